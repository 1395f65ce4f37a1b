import { arrange, h, hidden } from "./dom.js";
import { icon } from "./icons.js";
import { clockTime } from "./time.js";
import { excerpt, richText } from "./text.js";
import { BubbleRow } from "./bubble.js";
import * as cards from "./cards.js";
import * as caption from "./caption.js";
import * as rich from "./messenger-cards.js";

const STATES = {
  pending: ["pending", "on its way"],
  sent: ["ring", "sent"],
  delivered: ["check", "delivered"],
  read: ["eye", "seen"],
  failed: ["failed", "failed"],
};
const NOT_OURS = { inbox: ["staff", "staff, in the Page's inbox"], assistant: ["spark", "Meta's assistant"] };
const WORDS = new Set(["text", "button", "utility"]);
const KINDS = { generic: "cards", image_grid: "pictures" }; // what is better said otherwise
const OWN_CARD = new Set(["generic", "receipt", "coupon", "image_grid"]); // their words are on the card

const earlier = (history) => (history ?? []).map((words) => `was: ${words}`).join("\n");

/** One row of a chat with a Page: who speaks and when above it, the bubble, and "Seen" where it was seen last. */
export class MessengerRow extends BubbleRow {
  constructor(bubble, act) {
    super(bubble, act);
    this.speaker = h("p", { class: "speaker" });
    this.node.prepend(this.speaker);
  }

  update(bubble, context) {
    super.update(bubble, context);
    const { type, elements, attachment, body, buttons } = bubble;
    const bare = elements?.length > 0 || (["image", "sticker", "image_grid", "location"].includes(attachment?.type ?? type) && !body && !buttons?.length);
    this.node.classList.add(`type-${type}`);
    this.node.classList.toggle("bare", Boolean(bare));
    this.node.classList.toggle("theirs", bubble.by in NOT_OURS);
    this.editTool.hidden = bubble.id !== context.last.text;
    arrange(this.speaker, this.above(bubble, context).filter(Boolean));
  }

  /** The persona or whoever else writes as the Page, the time, and whether it was edited. */
  above(bubble, { zone }) {
    const { persona, by, edited, history } = bubble;
    return [
      this.part("face", [persona?.picture], () => persona?.picture && rich.picture(persona.picture, "", "face")),
      this.part("persona", [persona?.name], () => persona?.name && h("b", { dir: "auto" }, persona.name)),
      this.part("by", [by], () => by in NOT_OURS && h("span", { class: "by" }, icon(NOT_OURS[by][0]), NOT_OURS[by][1])),
      this.part("time", [bubble.at_ms, zone], () => this.makeTime(bubble, zone)),
      this.part("edited", [edited, history], () => edited && h("span", { class: "edited", title: earlier(history) }, "edited")),
    ];
  }

  inside(bubble, context) {
    const { quoted, chosen, business, language } = context;
    const body = OWN_CARD.has(bubble.type) ? "" : (bubble.body ?? "");
    const files = bubble.attachments ?? (bubble.attachment ? [bubble.attachment] : []);
    const who = bubble.kind === "sent" ? "You: " : `${bubble.kind === "unsent" ? "Not sent: " : ""}${bubble.persona?.name ?? business}: `;
    return [
      this.part("who", [who], () => hidden(who)),
      this.part("quote", [bubble.reply_to, quoted && excerpt(quoted), quoted?.kind], () => this.makeQuote(quoted, business)),
      this.part("header", [bubble.header], () => bubble.header && cards.header(bubble)),
      this.part("files", [files], () => rich.files(files)),
      this.part("grid", [bubble.image_grid], () => rich.imageGrid(bubble.image_grid)),
      this.part("body", [body], () => body && h("div", { class: "body", dir: "auto" }, richText(body))),
      this.part("receipt", [bubble.receipt, language], () => rich.receipt(bubble.receipt, language)),
      this.part("coupon", [bubble.coupon], () => rich.coupon(bubble.coupon)),
      this.part("elements", [bubble.elements, [...chosen]], () => rich.carousel(bubble, chosen, this.act)),
      this.part("footer", [bubble.footer], () => bubble.footer && h("p", { class: "footer", dir: "auto" }, bubble.footer)),
      this.part("buttons", [bubble.buttons, [...chosen]], () => this.makeButtons(bubble, chosen)),
      this.part("reaction", [bubble.reaction, bubble.page_reaction], () => this.makeReactions(bubble)),
    ];
  }

  /** A carousel's buttons stand on its cards; what `buttons` repeats of them is not drawn twice. */
  makeButtons(bubble, chosen) {
    return bubble.elements?.length ? null : cards.buttons(bubble, chosen, this.act);
  }

  makeReactions({ reaction, page_reaction: theirs }) {
    if (!reaction && !theirs) return null;
    const own = reaction && [hidden("You reacted: "), reaction];
    return h("span", { class: "reaction" }, own, theirs && [hidden(" The Page reacted: "), theirs]);
  }

  /** "seen", "delivered" or "sent" under what came; under the person's own, only where each was reached last. */
  smallPrint(bubble, { last }) {
    if (bubble.kind === "unsent") return super.smallPrint(bubble);
    const why = this.part("why", [bubble.why], (old) => caption.why(bubble, old?.open ?? false));
    const { ticks, error, template, by } = bubble;
    const told = bubble.kind === "received" || ticks === "failed" || bubble.id === last.seen || bubble.id === last.own;
    const shows = [ticks, error, template, by, told];
    return [told ? this.part("how", shows, () => this.makeState(bubble)) : null, why].filter(Boolean);
  }

  makeOrigin(bubble) {
    return bubble.template || WORDS.has(bubble.type) ? caption.origin(bubble) : h("span", { class: "origin" }, KINDS[bubble.type] ?? bubble.type);
  }

  makeState(bubble) {
    const [name, words] = STATES[bubble.ticks] ?? STATES.pending;
    const wrong = bubble.error && `: ${bubble.error.title || "error"}${bubble.error.code ? ` (${bubble.error.code})` : ""}`;
    const state = h("span", { class: `state state-${bubble.ticks ?? "pending"}` }, icon(name), h("span", {}, words, wrong));
    if (bubble.kind === "sent") return h("p", { class: "seen-line" }, state);
    return h("p", {}, state, bubble.by in NOT_OURS ? null : [" · ", this.makeOrigin(bubble)]);
  }
}
