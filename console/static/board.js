// The board: patches come as the desk's do; what a hand does asks first, says what it will do, and is done by a second tap.

import { localise, now as serverNow, setServerNow, tick } from "./clock.js";
import { post, Refused } from "./commands.js";
import { Live } from "./live.js";
import { patchPart } from "./patch.js";
import { t } from "./words.js";
import { onOut } from "./out.js";

const byId = (id) => document.getElementById(id);
const PARTS = ["line", "now", "agents", "brakes"];
const lang = document.documentElement.lang;
const SILENT_MS = 20_000; // two beats missed, or a computer that slept: what stands here is then of before
const SEEN_MS = 60_000;
let heard = Date.now();
let seenAt = Date.now();

setServerNow(Number(document.querySelector('meta[name="desk-now"]').content));

function banner(words) {
  byId("banner").hidden = !words;
  byId("banner").textContent = words;
}

const signIn = () => location.assign("/login?next=/board");

const live = new Live({
  base: "/board",
  versions: () => Object.fromEntries(PARTS.map((name) => [name, byId(name).dataset.version])),
  on: {
    patch(patch) {
      const said = patch.part === "line" && byId("line").querySelector(".board-line").dataset.tone;
      patchPart(byId(patch.part), patch);
      const line = byId("line").querySelector(".board-line");
      if (said && said !== line.dataset.tone) byId("news").textContent = line.textContent;
    },
    state(isLive, why, now) {
      if (now) setServerNow(now);
      if (isLive) heard = Date.now();
      sayHowOld();
      byId("connection").dataset.state = isLive ? "live" : "lost";
      byId("connection").textContent = t(isLive ? "live" : "again");
      if (isLive) banner("");
    },
    signedOut: signIn,
    locked: signIn,
    gone: () => location.reload(),
  },
});

/** A sentence of before is no sentence of now: where nothing is heard, that is the first thing to say. */
function sayHowOld() {
  const old = Date.now() - heard > SILENT_MS;
  if (byId("unheard").hidden !== old) return;
  byId("unheard").hidden = !old;
  byId("unheard").querySelector("[data-since]").dataset.since = String(serverNow() - (Date.now() - heard));
  document.body.classList.toggle("unheard", old);
  if (old) byId("news").textContent = byId("unheard").textContent.trim();
}

async function tell(work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401 || error.status === 423) signIn();
    banner(error.message);
    return null;
  }
}

let asked = null;

async function ask(button) {
  const { do: what, target } = button.dataset;
  const found = await tell(() => post("/board/ask", { do: what, target, lang }));
  if (!found) return;
  asked = { do: what, target, revision: found.revision, lang };
  byId("sure-title").textContent = found.title;
  byId("sure-says").textContent = found.says;
  byId("sure-do").textContent = found.title;
  byId("sure-subject-label").hidden = found.wants !== "subject";
  byId("sure-subject").required = found.wants === "subject";
  byId("sure-subject").value = byId("sure-why").value = byId("sure-said").textContent = "";
  byId("sure").showModal();
}

async function sure(event) {
  event.preventDefault();
  byId("sure-do").disabled = true;
  try {
    const { said } = await post("/board/do", { ...asked, why: byId("sure-why").value, subject: byId("sure-subject").value });
    byId("sure").close();
    banner(said);
    live.hurry();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    byId("sure-said").textContent = error.message;
  } finally {
    byId("sure-do").disabled = false;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.do) void ask(button);
  if (button?.dataset.alarm) void tell(() => post(`/board/alarms/${button.dataset.alarm}`, { aside: button.dataset.aside === "yes" }));
});
document.addEventListener("change", (event) => {
  const { agent } = event.target.dataset;
  if (!agent || !event.target.value) return;
  const [status, kind = ""] = event.target.value.split(":");
  event.target.value = "";
  event.target.blur();
  void tell(() => post(`/board/agents/${agent}/status`, { status, kind }));
});
byId("sure-form")?.addEventListener("submit", (event) => void sure(event));
byId("sure-not")?.addEventListener("click", () => byId("sure").close());

// Somebody is at it: the session lasts on.
for (const kind of ["keydown", "pointerdown"]) {
  document.addEventListener(kind, () => {
    live.touched = true;
    if (Date.now() - seenAt < SEEN_MS) return;
    seenAt = Date.now();
    void tell(() => post("/desk/seen"));
  }, { passive: true });
}

localise(document);
tick(document);
setInterval(() => {
  sayHowOld();
  tick(document);
}, 1_000);
live.connect();
onOut();
