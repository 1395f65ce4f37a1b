import { arrange, h, hidden, pressOnce } from "./dom.js";
import { icon } from "./icons.js";

/**
 * The taps that stand above the typing line of a chat with a Page: quick replies, which vanish with whatever comes next,
 * or how a chat that is still empty can be begun (the Page's questions; without them, Get Started).
 */
export class Rail {
  /** act: { quick(bubble, index), begin(body) }; left: called when a tap has gone away under somebody's focus. */
  constructor(act, left) {
    this.act = act;
    this.left = left;
    this.node = h("div", { class: "rail", role: "group", hidden: true });
  }

  render(thread) {
    const { label, taps } = this.taps(thread);
    const key = JSON.stringify([thread.id, label, taps.map(({ id, text }) => [id, text])]);
    if (key === this.key) return;
    this.key = key;
    const focused = this.node.contains(document.activeElement);
    this.node.setAttribute("aria-label", label);
    arrange(this.node, taps.map((tap) => this.button(tap)));
    this.node.hidden = taps.length === 0;
    this.node.scrollLeft = 0;
    if (focused) this.left();
  }

  taps(thread) {
    const { get_started: start, ice_breakers: questions = [] } = thread.fields;
    const last = thread.ordered.findLast((bubble) => bubble.kind !== "unsent" && bubble.type !== "reaction");
    if (!last && questions.length) {
      const taps = questions.map(({ index, text }) => ({ id: index, text, press: () => this.act.begin({ ice_breaker: { index } }) }));
      return { label: "Begin with a question", taps };
    }
    if (start) return { label: "Begin", taps: [{ id: "start", text: "Get started", press: () => this.act.begin({ get_started: true }) }] };
    const shown = last?.kind === "received" && last.ticks !== "failed" ? (last.quick_replies ?? []) : [];
    const taps = shown.map(({ index, title, content_type: type }) => {
      const asks = { user_email: "Send my e-mail address", user_phone_number: "Send my phone number" }[type];
      return { id: `${last.id}/${index}`, text: title || asks || "Answer", share: Boolean(asks), press: () => this.act.quick(last, index) };
    });
    return { label: "Quick replies", taps };
  }

  button({ text, share, press }) {
    const node = h("button", { type: "button", class: "quick" }, share && icon("contacts"), h("span", { dir: "auto" }, text), share && hidden(" (shares it)"));
    return pressOnce(node, press);
  }
}
