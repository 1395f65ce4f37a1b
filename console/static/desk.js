// Wires the desk together: one page, one conversation, one live connection.

import { OwnCanned } from "./canned_own.js";
import { left, localise, markDays, now, setServerNow, tick } from "./clock.js";
import { post, Refused } from "./commands.js";
import { Composer } from "./composer.js";
import { Doing } from "./doing.js";
import { keepDraft, newKey, readDraft } from "./drafts.js";
import { Keys, Palette } from "./keys.js";
import { Leaving } from "./leaving.js";
import { Live } from "./live.js";
import { Lock } from "./lock.js";
import { onOut } from "./out.js";
import { patchLines, patchPart } from "./patch.js";
import { Prices } from "./prices.js";
import { Search } from "./search.js";
import { Several } from "./several.js";
import { chosenBrand, onTop } from "./top.js";
import { t } from "./words.js";

const NEWS_MS = 5_000;
const SEEN_MS = 60_000;
const byId = (id) => document.getElementById(id);
const conversation = document.body.dataset.conversation;
const thread = byId("thread");
let composer = null;
let doing = null;

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

const given = new Set((sessionStorage.getItem("desk:given") ?? "").split(" "));
/** A soft sound, only where the agent asked for it; what it says stands on the list and in the title too. */
function sound() {
  if (localStorage.getItem("desk:sound") !== "yes") return;
  const audio = new AudioContext();
  const note = audio.createOscillator();
  const volume = audio.createGain();
  volume.gain.setValueAtTime(0.08, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.35);
  note.frequency.value = 620;
  note.connect(volume).connect(audio.destination);
  note.start();
  note.stop(audio.currentTime + 0.4);
  note.addEventListener("ended", () => void audio.close());
}

let waiting = Number(byId("queue-count").textContent);
function heardLists() {
  const count = Number(byId("queue-count").textContent);
  if (count > waiting) news(t("waiting", { n: count }));
  waiting = count;
  chosenBrand();
  for (const row of document.querySelectorAll('#mine .row[data-state="assigned"]')) {
    if (given.has(row.dataset.id)) continue;
    given.add(row.dataset.id);
    sessionStorage.setItem("desk:given", [...given].slice(-50).join(" "));
    news(t("given", { name: row.querySelector(".row-name").textContent.trim() }));
    sound();
  }
  const mine = document.querySelectorAll('#mine .row[data-waiting="yes"]').length;
  document.title = `${mine ? `(${mine}) ` : ""}${byId("who")?.textContent ?? t("desk")}${byId("who") ? ` · ${t("desk")}` : ""}`;
}

function heardLines(patch) {
  const end = atEnd();
  const edited = new Map([...document.querySelectorAll("#lines .versions summary time")].map((node) => [node.closest(".line").id, node.dateTime]));
  const known = new Set([...document.querySelectorAll("#lines .fate.bad")].map((node) => node.closest(".line").id));
  const added = patchLines(byId("lines"), patch);
  prices.drawn();
  for (const node of document.querySelectorAll("#lines .line[data-key]")) composer?.saw(node.dataset.key);
  for (const node of document.querySelectorAll("#lines .out .fate.bad")) {
    const line = node.closest(".line");
    if (!known.has(line.id)) alarm(t("undelivered", { text: line.querySelector(".text")?.textContent.slice(0, 60) ?? "" }));
  }
  for (const node of document.querySelectorAll("#lines .versions summary time")) {
    const line = node.closest(".line");
    if (!added.includes(line) && edited.get(line.id) !== node.dateTime) news(t("changed"));
  }
  if (end) toEnd();
  else if (added.length) byId("jump").hidden = false;
}

const live = new Live({
  conversation,
  more: document.body.dataset.unseen === "yes" ? { unseen: "yes" } : {},
  versions: () => Object.fromEntries(["top", "own", "waiting", "head", "card"].filter(byId).map((id) => [id, byId(id).dataset.version])),
  on: {
    patch(patch) {
      setServerNow(patch.now);
      if (patch.part === "lines") heardLines(patch);
      else if (byId(patch.part)) {
        const held = Boolean(document.querySelector(".held"));
        patchPart(byId(patch.part), patch);
        if (!held && document.querySelector(".held")) news(t("held"));
      }
      if (patch.part === "own" || patch.part === "waiting") heardLists();
      composer?.update();
    },
    state(isLive, why, at) {
      const node = byId("connection");
      const words = isLive ? t("live") : t("again");
      node.dataset.state = isLive ? "live" : "lost";
      node.title = why;
      if (node.textContent !== words) node.textContent = words;
      if (!isLive) return composer?.update();
      setServerNow(at);
      // With every beat the server has looked: what was not patched is still so.
      for (const node of document.querySelectorAll(".aged [data-since]")) node.dataset.since = at;
      if (composer) {
        composer.update();
        composer.caughtUp();
      }
      return undefined;
    },
    signedOut() {
      byId("connection").dataset.state = "lost";
      byId("connection").textContent = t("signed_out");
      banner(t("signed_out.why"), {
        href: `/login?next=${encodeURIComponent(location.pathname)}`,
        words: t("sign_in"),
      });
    },
    locked() {
      byId("connection").dataset.state = "lost";
      byId("connection").textContent = t("locked");
      lock.show();
    },
    gone: () => banner(t("gone"), { href: "/desk", words: t("lists") }),
  },
});

// Commands of the head and of single messages. One intention, one key: a second press before the answer is the same command.

const pending = new Map();
/** Returns "" when it was done, else why not. */
async function command(what, more = {}, quietly = false) {
  const name = `${what}:${more.message ?? ""}`;
  const { epoch, inbound } = facts();
  if (pending.has(name)) return "";
  pending.set(name, newKey());
  composer.say("");
  try {
    await post(`/desk/${conversation}/${what}`, { epoch, ...(["finish", "park", "hand_back"].includes(what) && { inbound }), ...more }, pending.get(name));
    // What one has now one does not look at unseen: its page is opened as any.
    if (what === "take_over" && document.body.dataset.unseen === "yes") whenMine(() => location.replace(location.pathname));
    else if (["take", "accept", "take_over"].includes(what)) whenMine(() => composer.show("reply", "text"));
    if (what !== "open") news(t({ finish: "finished", release: "released" }[what] ?? "done"));
    return "";
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) live.end();
    if (error.status === 423) lock.show();
    if (!quietly) composer.say(error.message, error.status === 0 ? "wait" : "bad");
    return error.message;
  } finally {
    pending.delete(name);
  }
}

/** What a macro says to do once it was sent: as by hand when send was pressed, so it is refused where they wrote since. */
function follow({ then, reason, minutes }, inbound) {
  if (then === "park") void command("park", { until: Math.round(now() + minutes * 60_000), inbound });
  else if (reason) void command("finish", { reason, inbound });
  else if (doing.has("finish") && !document.querySelector(".head").dataset.reason) doing.open("finish", inbound);
  else void command("finish", { inbound });
}

/** A button of the page. What needs words or a choice opens its dialog; a reason that was said already is not asked for again. */
function press({ command: what, message, on, act, file }) {
  const { state, reason } = document.querySelector(".head").dataset;
  if (what === "several") return void several.open();
  if (what === "why") return void why();
  if (what === "release" && state === "assigned") return void command(what);
  if (what === "finish" && (reason || !doing.has("finish"))) return void command(what);
  if (doing.has(what)) return doing.open(what);
  const more = { ...(message && { message }), ...(act && { act }), ...(file && { file }), ...(["complaint", "private"].includes(what) && { on: on === "yes" }), ...(what === "block" && { hours: 24 }) };
  return void command(what, more);
}

async function why() {
  const response = await fetch(`/desk/${conversation}/why?lang=${document.documentElement.lang}`, { signal: AbortSignal.timeout(10_000) });
  byId("why-text").innerHTML = response.ok ? await response.text() : "";
  localise(byId("why-text"));
  byId("why").showModal();
}

/** The head is patched by the live connection, a moment after the answer. */
function whenMine(action) {
  const until = now() + 3_000;
  const look = () => (facts().mine ? action() : now() < until && setTimeout(look, 50));
  look();
}

document.addEventListener("click", (event) => {
  event.target.closest("[data-close-dialog]")?.closest("dialog").close();
  const button = event.target.closest("[data-command]");
  if (button) press(button.dataset);
  for (const menu of document.querySelectorAll("details.more[open]")) if (button || !menu.contains(event.target)) menu.open = false;
  const row = event.target.closest(".lists .row");
  if (row && !event.ctrlKey && !event.metaKey && !event.shiftKey) sessionStorage.setItem(ARRIVES, new URL(row.href).pathname);
  const toggle = event.target.closest("#toggle-card");
  if (toggle) showCard(document.body.dataset.card !== "open");
  const instead = event.target.closest("[data-instead]");
  if (instead) insteadOf(instead);
  const elsewhere = event.target.closest("[data-elsewhere]");
  if (elsewhere) answerElsewhere(elsewhere);
  const quoted = event.target.closest("[data-quote]");
  if (quoted) composer?.quote(quoted.dataset.quote);
  if (event.target.closest("#close-card")) hideCard();
  if (event.target.closest("#longest")) longest();
});

const saidIn = (node) => node.closest(".line").querySelector(".text")?.textContent ?? "";
function insteadOf(button) {
  const { instead: what, message } = button.dataset;
  if (what === "template") composer.shut.insteadOf(message);
  else composer.instead(message, saidIn(button));
}

/** The words go along as a draft there; whoever answers takes that conversation first. */
function answerElsewhere(button) {
  const other = button.dataset.elsewhere;
  const draft = readDraft(other, "reply");
  const text = saidIn(button);
  if (!draft.text.includes(text)) keepDraft(other, "reply", { ...draft, text: draft.text ? `${draft.text}\n${text}` : text });
  location.href = `/desk/${other}`;
}

function showCard(open) {
  document.body.dataset.card = open ? "open" : "";
  byId("toggle-card")?.setAttribute("aria-expanded", String(open));
  if (open) byId("card").focus();
}

function hideCard() {
  showCard(false);
  byId("toggle-card")?.focus();
}

// Who chose a conversation to answer in has the caret in its box, where no keyboard on the screen would cover what was said.
const ARRIVES = "desk:arrives";
function arrive() {
  const chosen = sessionStorage.getItem(ARRIVES);
  sessionStorage.removeItem(ARRIVES);
  if (composer && chosen === location.pathname && facts().mine && matchMedia("(min-width: 761px)").matches) composer.show("reply", "text");
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
  if (row) row.click();
  else news(t("nobody"));
}
const whenOpen = (action) => (given) => (composer ? action(given) : news(t("no_open")));

const whenMineNow = (what) => whenOpen(() => (facts().mine ? press({ command: what }) : news(t("not_yours"))));
const actions = {
  next: () => step(1),
  previous: () => step(-1),
  longest,
  take: whenOpen(() => facts().free && facts().mayReply ? command("take") : news(t("no_take"))),
  reply: whenOpen(() => composer.show("reply", "text")),
  quote: whenOpen(() => {
    const all = document.querySelectorAll("#lines [data-quote]");
    if (all.length) composer.quote(all[all.length - 1].dataset.quote);
    else news(t("no_quote"));
  }),
  note: whenOpen(() => composer.show("note", "text")),
  finish: whenMineNow("finish"),
  park: whenMineNow("park"),
  transfer: whenOpen(() => {
    const menu = byId("more");
    if (!menu || !facts().mine) return news(t("not_yours"));
    menu.open = true;
    return menu.querySelector(".menu button").focus();
  }),
  release: whenMineNow("release"),
  identify: whenMineNow("identify"),
  card: whenOpen(() => (byId("card").offsetParent === null ? showCard(true) : byId("card").focus())),
  status: () => byId("status")?.focus(),
  several: () => void several.open(),
  palette: () => palette.open(),
};
const search = new Search();
const ownCanned = new OwnCanned(() => composer?.canned.forget());
const palette = new Palette(
  () => [
    ...[...document.querySelectorAll("input.key")].map((field) => ({ words: field.getAttribute("aria-label"), run: actions[field.dataset.key] })),
    { words: t("own_canned"), run: () => void ownCanned.open() },
    ...(composer?.canned.commands() ?? []),
  ],
  (words) => (words ? [{ words: t("search_for", { words }), run: () => search.open(words) }] : []),
  async () => composer?.canned.load(),
);
new Keys(actions, whenOpen(async (digit) => news(facts().mine ? await doing.tag(digit) : t("not_yours"))));
onTop({ refused: (error) => (error.status === 423 ? lock.show() : banner(error.message)), news });
const prices = new Prices({ conversation });
const several = new Several({ conversation });
const lock = new Lock(() => live.connect());
onOut(() => composer?.forget());
new Leaving({ forget: () => composer?.forget(), locked: () => lock.show() });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (document.body.dataset.card === "open") hideCard();
  else thread?.focus();
});

// Somebody is at the keyboard: the session lasts on.
let seenAt = Date.now();
for (const kind of ["keydown", "pointerdown"]) {
  document.addEventListener(kind, () => {
    live.touched = true;
    openIfGiven();
    if (Date.now() - seenAt < SEEN_MS) return;
    seenAt = Date.now();
    post("/desk/seen").catch((error) => (error.status === 401 ? live.end() : error.status === 423 && lock.show()));
  }, { passive: true });
}

/** Given and looked at is opened: by coming here, or by the first key or click where the page was open already. */
function openIfGiven() {
  if (composer && facts().mine && document.querySelector(".head").dataset.state === "assigned") void command("open", {}, true);
}

/** What passed before: fetched once, beside the page, as it may take longer; where it does not come, that is what is said. */
async function past() {
  const response = await fetch(`/desk/${conversation}/past?lang=${document.documentElement.lang}`, { signal: AbortSignal.timeout(8_000) }).catch(() => null);
  const root = byId("past");
  if (!root) return;
  if (response?.ok) root.innerHTML = await response.text();
  else root.append(Object.assign(document.createElement("p"), { className: "unknown", textContent: t("past_unknown") }));
  localise(root);
}

let warned = false;
function everySecond() {
  tick();
  if (!composer) return;
  composer.update();
  const { closes, mine } = facts();
  const { ms } = left(closes);
  if (mine && closes && ms < 120_000 && !warned) alarm(t(ms ? "last_minutes" : "window_closed"));
  warned = closes > 0 && ms < 120_000;
}

if (conversation) {
  doing = new Doing({ run: (what, body) => command(what, body, true), state: () => document.querySelector(".head").dataset.state, inbound: () => facts().inbound });
  composer = new Composer({ conversation, facts, live, onSent: toEnd, follow });
  byId("jump").addEventListener("click", () => {
    toEnd();
    thread.focus();
  });
  thread.addEventListener("scroll", () => atEnd() && (byId("jump").hidden = true), { passive: true });
  markDays(byId("lines"));
  let typed = { at: 0, box: "" };
  byId("composer").addEventListener("input", ({ target }) => {
    const box = target.id === "reply-text" ? "reply" : "note";
    if (Date.now() - typed.at < 3_000 && typed.box === box) return;
    typed = { at: Date.now(), box };
    live.say({ t: "typing", box });
  });
}
localise(document);
heardLists();
everySecond();
if (conversation) void past();
if (conversation) void prices.load();
openIfGiven();
toEnd();
arrive();
setInterval(everySecond, 1_000);
live.connect();
