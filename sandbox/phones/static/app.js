// The page: reads everything once, then follows the stream, and hands each piece of news to the phone it is about.

import { arrange, h, write } from "./dom.js";
import { api } from "./api.js";
import { Model } from "./model.js";
import { PagesPanel } from "./pages.js";
import { Phone } from "./phone.js";
import { StoryBar } from "./story.js";
import { Stream } from "./stream.js";
import { Tabs } from "./tabs.js";

const NARROW = matchMedia("(max-width: 759px)");
const CLOCK_EVERY_MS = 1_000;

const model = new Model();
const phones = new Map();
const fetching = new Map();
const only = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const stage = document.querySelector(".stage");
const empty = document.querySelector(".empty");
const connection = document.querySelector(".connection");
const story = new StoryBar(document.querySelector(".story"));
const pages = new PagesPanel(document.querySelector(".pages-button"), document.querySelector(".pages"), model);
const tabs = new Tabs(document.querySelector(".tabs"), activate);

let active = null; // the phone somebody works on: the only one that a screen reader hears
let unread = 0; // bubbles that came while nobody looked at this window

document.body.classList.toggle("alone", only !== "");

function isOurs({ fields, address }) {
  const wanted = only.toLowerCase();
  return !only || address === only || [fields.name, fields.username].some((name) => name?.toLowerCase() === wanted);
}

function activate(address) {
  active = phones.get(address) ?? active;
  arrangeStage();
}

function arrangeStage() {
  const ours = [...model.handsets.values()].filter(isOurs);
  for (const handset of ours) {
    if (phones.get(handset.address)?.handset === handset) continue;
    const onActive = () => active?.handset !== handset && activate(handset.address);
    phones.set(handset.address, new Phone(handset, { clock: model, onActive, alone: only !== "" }));
  }
  const shown = ours.map((handset) => phones.get(handset.address));
  for (const address of [...phones.keys()]) if (!shown.some((phone) => phone.handset.address === address)) phones.delete(address);
  if (!shown.includes(active)) active = shown[0] ?? null;
  document.body.style.setProperty("--phones", String(Math.max(shown.length, 1)));
  const narrow = NARROW.matches;
  for (const phone of shown) {
    phone.show(!narrow || phone === active);
    phone.speak(phone === active);
  }
  tabs.render(shown, active, narrow);
  arrange(stage, shown.length ? shown.map((phone) => phone.node) : [empty]);
  if (!shown.length) renderEmpty();
  renderTitle();
}

function renderEmpty() {
  if (!only) return write(empty, "No phone yet. A number that is written to appears here by itself.");
  if (empty.querySelector("a")) return undefined;
  return empty.replaceChildren(`There is no phone called “${only}” yet. `, h("a", { href: "/phones" }, "See all phones"));
}

function renderTitle() {
  const what = only ? (active?.label ?? only) : (model.story?.title ?? "Phones");
  const news = unread ? `(${unread}) ` : "";
  const broken = connection.dataset.state === "reconnecting" ? "reconnecting · " : "";
  document.title = `${news}${broken}${what} · Thuisfront`;
}

function renderConnection(state, reason = "") {
  if (connection.dataset.state !== state) {
    connection.dataset.state = state;
    write(connection, state);
  }
  connection.title = reason;
  document.body.classList.toggle("stale", state === "reconnecting");
  if (state === "reconnecting" && !phones.size) write(empty, `${reason} Trying again.`);
  renderTitle();
}

async function load() {
  const snapshot = await api.handsets();
  const fresh = model.load(snapshot);
  story.render(model.story);
  for (const [address, phone] of phones) phone.render(fresh.get(address) ?? new Map());
  arrangeStage();
  void pages.load();
  return snapshot.cursor;
}

/** A phone or a number we have not met: read that phone whole, once at a time. */
function fetchHandset(address) {
  if (fetching.has(address)) {
    fetching.set(address, true); // more has come meanwhile: read once more
    return;
  }
  fetching.set(address, false);
  api.handset(address).then(
    (data) => {
      const fresh = model.putHandset(data);
      phones.get(String(data.address))?.render(fresh);
      arrangeStage();
    },
    (error) => renderConnection(connection.dataset.state, error.message),
  ).finally(() => {
    const again = fetching.get(address);
    fetching.delete(address);
    if (again) fetchHandset(address);
  });
}

function onHandset(data) {
  const merged = model.merge(data);
  if (merged === null) {
    fetchHandset(String(data.address));
    return;
  }
  const phone = phones.get(merged.handset.address);
  if (!phone) return;
  if (document.hidden) for (const bubbles of merged.fresh.values()) unread += bubbles.filter((bubble) => bubble.kind === "received").length;
  phone.render(merged.fresh);
  pages.render();
  if (NARROW.matches) tabs.render([...phones.values()], active, true);
  renderTitle();
}

function onEvent(name, data) {
  if (name === "handset" && data) onHandset(data);
  else if (name === "page") void pages.load();
  else if (name === "story") {
    model.story = data?.story === undefined ? data : data.story;
    story.render(model.story);
    renderTitle();
  } else if (name === "clock") {
    model.setClock(data);
    for (const phone of phones.values()) phone.render(new Map());
  } else if (name === "reset") {
    void stream.start(); // what we hold may be wrong: everything once more, then on from there
  }
}

NARROW.addEventListener("change", arrangeStage);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  renderTitle();
});
setInterval(() => phones.forEach((phone) => phone.tick()), CLOCK_EVERY_MS);
const stream = new Stream({ load, onEvent, onState: renderConnection });
void stream.start();
