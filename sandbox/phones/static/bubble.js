import { arrange, h, hidden, write } from "./dom.js";
import { icon } from "./icons.js";
import { clockTime } from "./time.js";
import { excerpt, richText } from "./text.js";
import * as cards from "./cards.js";
import * as caption from "./caption.js";

const SAID_BY = { received: "", sent: "You: ", unsent: "Not sent: " };
const QUICK_REACTIONS = ["👍", "❤️", "😊", "😮", "😢", "🙏"];

/**
 * One row of a thread. It is made of parts, and a part is made anew only when what it shows has changed: a tick that
 * turns does not close the details somebody is reading, nor take the focus from a button.
 */
export class BubbleRow {
  /** act: { press, openList, reply, react, edit, jump }: what can be done with a bubble, done by its phone. */
  constructor(bubble, act) {
    this.act = act;
    this.parts = new Map();
    this.words = h("div", { class: "bubble" });
    this.note = h("div", { class: "caption", "aria-live": "off" });
    this.tools = this.makeTools();
    this.node = h("div", { class: `row ${bubble.kind}`, "data-bubble": bubble.id, tabindex: "-1" });
    this.node.append(h("div", { class: "line" }, this.words, this.tools), this.note);
  }

  get id() {
    return this.node.dataset.bubble;
  }

  part(name, shows, make) {
    const key = JSON.stringify(shows);
    const known = this.parts.get(name);
    if (known?.key === key) return known.node;
    const node = make(known?.node);
    this.parts.set(name, { key, node });
    return node;
  }

  /** context: { zone, language, now, quoted: bubble or null, chosen: Set of texts, business, last: see ThreadView } */
  update(bubble, context) {
    this.bubble = bubble;
    const simple = bubble.type === "system" || (bubble.type === "reaction" && bubble.ticks !== "failed");
    this.node.className = `row ${simple ? "system" : bubble.kind}`;
    arrange(this.words, this.inside(bubble, context).filter(Boolean));
    this.tools.hidden = simple || bubble.kind === "unsent";
    arrange(this.note, simple ? [] : this.smallPrint(bubble, context));
  }

  /** What stands in the bubble, from top to bottom; what is not there is null. */
  inside(bubble, { zone, quoted, chosen, business }) {
    const placeText = bubble.type === "location" && !bubble.header?.text;
    const body = placeText ? bubble.body.split("\n").slice(1).join("\n") : (bubble.body ?? "");
    return [
      this.part("who", [bubble.kind], () => hidden(bubble.kind === "received" ? `${business}: ` : SAID_BY[bubble.kind])),
      this.part("quote", [bubble.reply_to, quoted && excerpt(quoted), quoted?.kind], () => this.makeQuote(quoted, business)),
      this.part("header", [bubble.header, bubble.type, placeText && bubble.body], () => cards.header(bubble)),
      this.part("body", [body, bubble.type], () => this.makeBody(bubble, body)),
      this.part("footer", [bubble.footer], () => bubble.footer && h("p", { class: "footer", dir: "auto" }, bubble.footer)),
      this.part("time", [bubble.at_ms, zone], () => this.makeTime(bubble, zone)),
      this.part("buttons", [bubble.buttons, bubble.list, [...chosen]], () => cards.buttons(bubble, chosen, this.act)),
      this.part("reaction", [bubble.reaction], () => this.makeReaction(bubble.reaction)),
    ];
  }

  makeBody(bubble, body) {
    if (!body) return null;
    const text = bubble.type === "reaction" ? `Reacted with ${body}` : body;
    return h("div", { class: "body", dir: "auto" }, richText(text));
  }

  smallPrint(bubble) {
    const why = this.part("why", [bubble.why], (old) => caption.why(bubble, old?.open ?? false));
    const how = () => h("p", {}, caption.ticks(bubble), " ", caption.origin(bubble));
    const shows = [bubble.ticks, bubble.error, bubble.template, bubble.reason];
    if (bubble.kind === "received") return [this.part("how", shows, how), why].filter(Boolean);
    if (bubble.kind === "unsent") return [this.part("how", shows, () => caption.unsent(bubble)), why].filter(Boolean);
    const told = bubble.ticks && bubble.ticks !== "read" ? this.part("how", shows, () => h("p", {}, caption.ticks(bubble))) : null;
    return [told, why].filter(Boolean);
  }

  makeTime(bubble, zone) {
    return h("time", { datetime: new Date(bubble.at_ms).toISOString() }, clockTime(bubble.at_ms, zone));
  }

  makeQuote(quoted, business) {
    if (!quoted) return null;
    const who = h("b", { dir: "auto" }, quoted.kind === "sent" ? "You" : business);
    const jump = () => this.act.jump(quoted.id);
    return h("button", { type: "button", class: "quote", onclick: jump }, hidden("In answer to "), who, h("span", { dir: "auto" }, excerpt(quoted)));
  }

  makeReaction(emoji) {
    return emoji ? h("span", { class: "reaction" }, hidden("Reaction: "), emoji) : null;
  }

  makeTools() {
    const tool = (name, label, onclick) =>
      h("button", { type: "button", class: "tool", tabindex: "-1", "aria-label": label, title: label, onclick }, icon(name));
    this.reactTool = tool("smile", "React", () => this.toggleReactions());
    this.reactTool.setAttribute("aria-expanded", "false");
    this.editTool = tool("edit", "Edit this", () => this.act.edit(this.bubble));
    this.editTool.hidden = true; // only where the channel knows how, see MessengerRow
    return h("div", { class: "tools" }, tool("reply", "Reply to this", () => this.act.reply(this.bubble)), this.reactTool, this.editTool);
  }

  toggleReactions() {
    const open = this.picker === undefined;
    this.reactTool.setAttribute("aria-expanded", String(open));
    if (!open) {
      this.picker.remove();
      this.picker = undefined;
      this.reactTool.focus();
      return;
    }
    const current = this.bubble.reaction;
    const choices = QUICK_REACTIONS.map((emoji) => {
      const choose = async () => (await this.act.react(this.bubble, emoji === current ? "" : emoji)) && this.picker && this.toggleReactions();
      return h("button", { type: "button", "aria-pressed": String(emoji === current), "aria-label": `React with ${emoji}`, onclick: choose }, emoji);
    });
    this.picker = h("div", { class: "reactions", role: "group", "aria-label": "Reactions" }, choices);
    this.picker.addEventListener("keydown", (event) => event.key === "Escape" && this.toggleReactions());
    this.node.querySelector(".line").after(this.picker);
    choices[0].focus();
  }

  /** The one row of a thread that Tab reaches; its tools come with it, those of the other rows do not. */
  setCurrent(current) {
    this.node.tabIndex = current ? 0 : -1;
    for (const tool of this.tools.children) tool.tabIndex = current ? 0 : -1;
  }
}

export function dayRow(name) {
  const node = h("div", { class: "day" }, h("span", {}, name));
  node.rename = (text) => write(node.firstChild, text);
  return node;
}
