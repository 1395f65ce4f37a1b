import { h } from "./dom.js";
import { icon } from "./icons.js";
import { channelOf, holderWords } from "./channels.js";

// The head of a chat: with whom, over which app, and who is typing.

const HUES = 6;
const HELD = "Another app holds this thread: the gateway may only listen.";

/** The same colour for a business number on every phone. */
function hueOf(text) {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return sum % HUES;
}

function avatar(name, channel) {
  const initials = name.split(/\s+/u).slice(0, 2).map((word) => [...word][0] ?? "").join("").toUpperCase();
  return h("span", { class: `avatar hue-${hueOf(name)}`, "aria-hidden": "true" }, initials, h("i", { class: "badge" }, icon(channel.icon)));
}

function isTyping(thread) {
  const persona = thread?.fields.typing?.persona;
  const who = persona?.name ?? persona;
  return h("span", { class: "is-typing" }, who ? `${who} is typing` : "typing", h("i"), h("i"), h("i"));
}

/** thread: the chat in front, or null; typing: is the business at it? */
export function face(thread, typing) {
  const channel = channelOf(thread);
  const held = holderWords(thread?.fields.holder);
  const about = () => {
    if (thread?.channel !== "messenger") return h("span", {}, thread?.number ?? "");
    return h("span", { class: held ? "held" : null, title: held ? HELD : null }, [channel.name, held || thread.number].filter(Boolean).join(" · "));
  };
  const name = h("h3", { dir: "auto" }, thread?.business ?? "No conversation yet");
  return [avatar(thread?.business ?? "?", channel), h("div", {}, name, typing ? isTyping(thread) : about())];
}
