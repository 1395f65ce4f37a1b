import { h, hidden, pressOnce, safeUrl } from "./dom.js";
import { icon } from "./icons.js";

// What a bubble may carry besides words: a picture, a document, a place, buttons, a list.

const KINDS = { image: "Image", sticker: "Sticker", audio: "Voice message", video: "Video", contacts: "Contact" };

export function typeOf(header) {
  const ending = /\.([a-z0-9]{1,5})$/iu.exec(header.filename ?? "")?.[1];
  return (ending ?? header.mime?.split("/").at(-1) ?? "file").toUpperCase();
}

export function card(url, iconName, title, note, className) {
  const inside = [
    h("span", { class: "card-icon" }, icon(iconName)),
    h("span", { class: "card-words" }, h("span", { class: "card-title", dir: "auto" }, title), h("small", {}, note)),
  ];
  const href = safeUrl(url);
  return href
    ? h("a", { class: `card ${className}`, href, target: "_blank", rel: "noopener noreferrer" }, inside, icon("link"))
    : h("div", { class: `card ${className}` }, inside);
}

function picture(header, alt) {
  const src = safeUrl(header.url);
  if (!src) return card(null, "image", "Image", "not available", "file");
  const image = h("img", { class: "picture", src, alt, loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.replaceWith(card(null, "image", "Image", "could not be loaded", "file")));
  return h("a", { class: "picture-link", href: src, target: "_blank", rel: "noopener noreferrer" }, image, hidden("opens the picture"));
}

function place(header, body) {
  const title = header?.text || body.split("\n")[0] || "Location";
  const href = safeUrl(header?.url);
  const inside = [h("span", { class: "map" }, icon("pin")), h("span", { class: "card-title", dir: "auto" }, title)];
  return href
    ? h("a", { class: "place", href, target: "_blank", rel: "noopener noreferrer" }, inside)
    : h("div", { class: "place" }, inside);
}

/** The part above the words, or null. */
export function header(bubble) {
  const { header: head, type, body = "" } = bubble;
  if (type === "location" || head?.type === "location") return place(head, body);
  if (head?.type === "text") return h("p", { class: "heading", dir: "auto" }, head.text ?? "");
  if (head?.type === "image") return picture(head, head.text || head.filename || "Image in the message");
  if (head?.type === "document") {
    return card(head.url, "document", head.filename || "Document", `${typeOf(head)} document`, "file");
  }
  if (type in KINDS) return card(head?.url, type === "sticker" ? "smile" : type, head?.filename || KINDS[type], head?.mime ?? type, "file");
  return null;
}

const BUTTON_ICONS = { url: "link", cta_url: "link", web_url: "link", phone: "phone", phone_number: "phone", list: "list" };
const LEADS_AWAY = new Set(["url", "cta_url", "web_url", "phone", "phone_number"]);

/** One button: a link where the entry leads away, else a tap. `press` resolves when the sandbox has answered. */
function button(entry, chosen, press) {
  const label = [icon(chosen ? "check" : (BUTTON_ICONS[entry.type] ?? "reply")), h("span", { dir: "auto" }, entry.text)];
  if (LEADS_AWAY.has(entry.type)) {
    const number = /^\+?[\d ()-]{5,}$/u.exec(entry.payload ?? entry.id ?? "")?.[0];
    const href = safeUrl(entry.url ?? (number ? `tel:${number.replace(/[ ()-]/gu, "")}` : null));
    return href
      ? h("a", { class: "button", href, target: "_blank", rel: "noopener noreferrer" }, label, hidden("(opens a new tab)"))
      : h("span", { class: "button" }, label);
  }
  const node = h("button", { type: "button", class: chosen ? "button chosen" : "button" }, label, chosen && hidden("(chosen)"));
  return pressOnce(node, press);
}

/** The buttons and the list under the words, or null. `chosen` holds the texts already answered with. */
export function buttons(bubble, chosen, act) {
  const entries = (bubble.buttons ?? []).filter((entry) => !(bubble.list && entry.type === "list"));
  const nodes = entries.map((entry, at) =>
    entry.type === "list"
      ? button(entry, false, () => act.openList(bubble))
      : button(entry, chosen.has(entry.text), () => act.press(bubble, entry.index ?? at)),
  );
  if (bubble.list) {
    nodes.push(button({ type: "list", text: bubble.list.button || "Choose" }, false, () => act.openList(bubble)));
  }
  return nodes.length ? h("div", { class: "buttons", role: "group", "aria-label": "Answers" }, nodes) : null;
}
