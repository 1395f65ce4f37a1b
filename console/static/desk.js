// Wires the desk together: one page, one conversation, one live connection.

import { left, localise, markDays, now, setServerNow, tick } from "./clock.js";
import { post, Refused } from "./commands.js";
import { Composer } from "./composer.js";
import { forgetAll, newKey, unsent } from "./drafts.js";
import { Keys } from "./keys.js";
import { Live } from "./live.js";
import { patchLines, patchPart } from "./patch.js";

const NEWS_MS = 5_000;
const SEEN_MS = 60_000;
const byId = (id) => document.getElementById(id);
const conversation = document.body.dataset.conversation;
const thread = byId("thread");
let composer = null;

setServerNow(Number(document.querySelector('meta[name="desk-now"]').content));

/** What the head says, read where it stands: there is no second copy to go stale. */
function facts() {
  const { epoch, inbound, mine, free, resolved, windowMs, closesMs, textMax, mayReply, owner, speaksAs } = document.querySelector(".head").dataset;
  return {
    epoch: Number(epoch), inbound: Number(inbound), window: Number(windowMs), closes: Number(closesMs), textMax: Number(textMax), owner, speaksAs,
    mine: mine === "yes", free: free === "yes", resolved: resolved === "yes", mayReply: mayReply === "yes",
  };
}

// What is said aloud: one polite line every 5 s at most, and alarms at once.

let newsAt = 0;
let newsTimer = null;
function news(words) {
  clearTimeout(newsTimer);
  newsTimer = setTimeout(() => {
    newsAt = Date.now();
    byId("news").textContent = words;
  }, Math.max(0, newsAt + NEWS_MS - Date.now()));
}
const alarm = (words) => (byId("alarm").textContent = words);

function banner(words, link) {
  const node = byId("banner");
  node.hidden = !words;
  node.textContent = words;
  if (link) {
    const a = Object.assign(document.createElement("a"), { href: link.href, textContent: link.words });
    node.append(" ", a);
  }
}

// The thread stays at its end while its reader is there, and says when there is more below.

const atEnd = () => !thread || thread.scrollHeight - thread.scrollTop - thread.clientHeight < 60;
function toEnd() {
  if (thread) thread.scrollTop = thread.scrollHeight;
  if (byId("jump")) byId("jump").hidden = true;
}

let waiting = Number(byId("queue-count").textContent);
function heardLists() {
  const count = Number(byId("queue-count").textContent);
  if (count > waiting) news(`${count} waiting`);
  waiting = count;
  const mine = document.querySelectorAll('#mine .row[data-waiting="yes"]').length;
  document.title = `${mine ? `(${mine}) ` : ""}${byId("who")?.textContent ?? "Desk"}${byId("who") ? " · Desk" : ""}`;
}

function heardLines(patch) {
  const end = atEnd();
  const edited = new Map([...document.querySelectorAll("#lines .versions summary time")].map((node) => [node.closest(".line").id, node.dateTime]));
  const known = new Set([...document.querySelectorAll("#lines .fate.bad")].map((node) => node.closest(".line").id));
  const added = patchLines(byId("lines"), patch);
  for (const node of document.querySelectorAll("#lines .line[data-key]")) composer?.saw(node.dataset.key);
  for (const node of document.querySelectorAll("#lines .out .fate.bad")) {
    const line = node.closest(".line");
    if (!known.has(line.id)) alarm(`Not delivered: ${line.querySelector(".text")?.textContent.slice(0, 60) ?? ""}`);
  }
  for (const node of document.querySelectorAll("#lines .versions summary time")) {
    const line = node.closest(".line");
    if (!added.includes(line) && edited.get(line.id) !== node.dateTime) news("They changed what they had written");
  }
  if (end || added.some((node) => node.matches(".out, .note"))) toEnd();
  else if (added.length) byId("jump").hidden = false;
}

const live = new Live({
  conversation,
  versions: () => Object.fromEntries(["lists", "head", "card"].filter(byId).map((id) => [id, byId(id).dataset.version])),
  on: {
    patch(patch) {
      setServerNow(patch.now);
      if (patch.part === "lines") heardLines(patch);
      else if (byId(patch.part)) {
        const held = Boolean(document.querySelector(".held"));
        patchPart(byId(patch.part), patch);
        if (!held && document.querySelector(".held")) news("Another program holds this conversation now");
      }
      if (patch.part === "lists") heardLists();
      composer?.update();
    },
    state(isLive, why, at) {
      const node = byId("connection");
      const words = isLive ? "live" : "connecting again";
      node.dataset.state = isLive ? "live" : "lost";
      node.title = why;
      if (node.textContent !== words) node.textContent = words;
      if (!isLive) return composer?.update();
      setServerNow(at);
      if (composer) {
        composer.update();
        composer.caughtUp();
      }
      return undefined;
    },
    signedOut() {
      byId("connection").dataset.state = "lost";
      byId("connection").textContent = "signed out";
      banner("You are signed out. Your unsent words are kept on this computer.", {
        href: `/login?next=${encodeURIComponent(location.pathname)}`,
        words: "Sign in again",
      });
    },
    gone: () => banner("This conversation is not here any more.", { href: "/desk", words: "To the lists" }),
  },
});

// Commands of the head and of single messages. One intention, one key: a second press before the answer is the same command.

const pending = new Map();
async function command(what, more = {}) {
  const name = `${what}:${more.message ?? ""}`;
  const { epoch, inbound } = facts();
  if (pending.has(name)) return;
  pending.set(name, newKey());
  composer.say("");
  try {
    await post(`/desk/${conversation}/${what}`, { epoch, ...(what === "finish" && { inbound }), ...more }, pending.get(name));
    if (what === "take") whenMine(() => composer.show("reply", "text"));
    if (what === "finish" || what === "release") news(what === "finish" ? "Finished" : "Given back");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) live.end();
    composer.say(error.message, error.status === 0 ? "wait" : "bad");
  } finally {
    pending.delete(name);
  }
}

/** The head is patched by the live connection, a moment after the answer. */
function whenMine(action) {
  const until = now() + 3_000;
  const look = () => (facts().mine ? action() : now() < until && setTimeout(look, 50));
  look();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-command]");
  if (button) void command(button.dataset.command, button.dataset.message ? { message: button.dataset.message } : {});
  const toggle = event.target.closest("#toggle-card");
  if (toggle) showCard(document.body.dataset.card !== "open");
  const quoted = event.target.closest("[data-quote]");
  if (quoted) composer?.quote(quoted.dataset.quote);
  if (event.target.closest("#close-card")) hideCard();
  if (event.target.closest("#longest")) longest();
});

function showCard(open) {
  document.body.dataset.card = open ? "open" : "";
  byId("toggle-card")?.setAttribute("aria-expanded", String(open));
  if (open) byId("card").focus();
}

function hideCard() {
  showCard(false);
  byId("toggle-card")?.focus();
}

const rows = () => [...document.querySelectorAll(".lists .row")];
function step(by) {
  const all = rows();
  const here = all.findIndex((row) => row.matches("[aria-current]"));
  const row = all[here < 0 ? (by > 0 ? 0 : all.length - 1) : (here + by + all.length) % all.length];
  if (row) location.href = row.href;
}
function longest() {
  const row = document.querySelector('#mine .row[data-waiting="yes"]') ?? document.querySelector("#queue .row");
  if (row) location.href = row.href;
  else news("Nobody waits");
}
const whenOpen = (action) => () => (composer ? action() : news("No conversation is open"));

new Keys({
  j: () => step(1),
  k: () => step(-1),
  g: longest,
  o: whenOpen(() => facts().free && facts().mayReply ? command("take") : news("It cannot be taken")),
  r: whenOpen(() => composer.show("reply", "text")),
  q: whenOpen(() => {
    const all = document.querySelectorAll("#lines [data-quote]");
    if (all.length) composer.quote(all[all.length - 1].dataset.quote);
    else news("There is nothing to quote");
  }),
  n: whenOpen(() => composer.show("note", "text")),
  e: whenOpen(() => facts().mine ? command("finish") : news("It is not yours")),
  b: whenOpen(() => facts().mine ? command("release") : news("It is not yours")),
  i: whenOpen(() => (byId("card").offsetParent === null ? showCard(true) : byId("card").focus())),
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || byId("keys").open) return;
  if (document.body.dataset.card === "open") hideCard();
  else thread?.focus();
});

byId("sign-out").addEventListener("click", async () => {
  const left = unsent();
  if (left && !confirm(`You have unsent words in ${left} ${left === 1 ? "conversation" : "conversations"}. Signing out throws them away.`)) return;
  await post("/logout").catch(() => undefined);
  composer?.forget();
  forgetAll();
  location.href = "/login";
});

// Somebody is at the keyboard: the session lasts on.
let seenAt = Date.now();
for (const kind of ["keydown", "pointerdown"]) {
  document.addEventListener(kind, () => {
    if (Date.now() - seenAt < SEEN_MS) return;
    seenAt = Date.now();
    post("/desk/seen").catch((error) => error.status === 401 && live.end());
  }, { passive: true });
}

let warned = false;
function everySecond() {
  tick();
  if (!composer) return;
  composer.update();
  const { closes, mine } = facts();
  const { ms } = left(closes);
  if (mine && closes && ms < 120_000 && !warned) alarm(ms ? "Less than two minutes are left to answer" : "The service window is closed");
  warned = closes > 0 && ms < 120_000;
}

if (conversation) {
  composer = new Composer({ conversation, facts, live, onSent: toEnd });
  byId("jump").addEventListener("click", () => {
    toEnd();
    thread.focus();
  });
  thread.addEventListener("scroll", () => atEnd() && (byId("jump").hidden = true), { passive: true });
  markDays(byId("lines"));
}
localise(document);
heardLists();
everySecond();
toEnd();
setInterval(everySecond, 1_000);
live.connect();
