import { arrange, h, write } from "./dom.js";
import { icon } from "./icons.js";
import { BubbleRow, dayRow } from "./bubble.js";
import { chatLink } from "./links.js";
import { MessengerRow } from "./messenger-row.js";
import { Rail } from "./rail.js";
import { dayName, dayOf } from "./time.js";

const WINDOW = 120; // rows drawn at first, and added by "show earlier"
const NEAR_END_PX = 60;

/** One conversation on one phone: a log that keeps to its end unless somebody has scrolled up to read. */
export class ThreadView {
  constructor(thread, act) {
    this.thread = thread;
    this.act = act;
    this.rows = new Map();
    this.days = new Map();
    this.limit = WINDOW;
    this.missed = 0;
    this.stuck = true;
    this.endTop = 0;
    this.held = false;
    this.list = h("div", { class: "rows" });
    this.log = h("div", { class: "log", role: "log", "aria-live": "off", "aria-relevant": "additions", tabindex: "0" }, this.list);
    this.earlier = h("button", { type: "button", class: "earlier", onclick: () => this.showEarlier() });
    this.below = h("span");
    this.jumpDown = h("button", { type: "button", class: "jump", hidden: true, onclick: () => this.toEnd() }, icon("down"), this.below);
    const field = h("div", { class: "field" }, this.log, this.jumpDown);
    this.Row = thread.channel === "messenger" ? MessengerRow : BubbleRow;
    this.rail = thread.channel === "messenger" ? new Rail(act, () => this.log.focus({ preventScroll: true })) : null;
    this.node = h("div", { class: "thread" }, field, this.rail?.node ?? []);
    this.log.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.log.addEventListener("keydown", (event) => this.keyed(event));
    this.list.addEventListener("focusin", (event) => this.moveCurrent(event.target.closest(".row")?.dataset.bubble));
    // Opening "why" or the reactions makes the list longer; that is no reason to pull it away from the reader.
    this.list.addEventListener("click", () => {
      this.held = true;
      setTimeout(() => (this.held = false), 150);
    });
    this.list.addEventListener("click", (event) => this.followed(event));
    const observer = new ResizeObserver(() => this.isStuck() && !this.held && this.keepToEnd());
    observer.observe(this.list);
    observer.observe(this.log); // the quick replies take room from it
  }

  /** context: { zone, language, now, spoken: may a screen reader hear it, fresh: how many bubbles are new } */
  render({ zone, language, now, spoken, fresh }) {
    const all = this.thread.ordered.filter((bubble) => !this.isElsewhere(bubble));
    if (!this.isStuck()) {
      this.limit += fresh; // nothing above the reader moves
      this.missed += fresh;
    }
    const shown = all.slice(-this.limit);
    const earlier = all.length - shown.length;
    write(this.earlier, `Show earlier messages (${earlier})`);
    const wanted = earlier ? [this.earlier] : [];
    const answered = this.answers();
    const last = this.lasts();
    let lastDay = null;
    for (const bubble of shown) {
      const day = dayOf(bubble.at_ms, zone);
      if (day !== lastDay) wanted.push(this.day(day, dayName(bubble.at_ms, now, zone, language)));
      lastDay = day;
      const row = this.rows.get(bubble.id) ?? new this.Row(bubble, this.act);
      this.rows.set(bubble.id, row);
      const quoted = bubble.reply_to ? (this.thread.bubbles.get(bubble.reply_to) ?? null) : null;
      const chosen = answered.get(bubble.id) ?? new Set();
      row.update(bubble, { zone, language, quoted, chosen, business: this.thread.business, last });
      wanted.push(row.node);
    }
    if (!all.length) wanted.push((this.nothing ??= h("p", { class: "nothing" }, "No messages yet")));
    arrange(this.list, wanted);
    const kept = new Set(shown.map((bubble) => bubble.id));
    for (const id of [...this.rows.keys()]) if (!kept.has(id)) this.rows.delete(id);
    if (!this.rows.has(this.current)) this.moveCurrent(shown.at(-1)?.id);
    else if (this.stuck && !this.log.contains(document.activeElement)) this.moveCurrent(shown.at(-1)?.id);
    this.speak(spoken);
    this.log.setAttribute("aria-label", `Messages with ${this.thread.business}`);
    this.showMissed();
    this.rail?.render(this.thread);
    if (this.stuck) this.keepToEnd();
  }

  /** Ids of the person's own last bubble, the last that was seen, and the last if it is words (those can be edited). */
  lasts() {
    const own = this.thread.ordered.filter((bubble) => bubble.kind === "sent" && bubble.type !== "reaction");
    const newest = own.at(-1);
    return { own: newest?.id, seen: own.findLast((bubble) => bubble.ticks === "read")?.id, text: newest?.type === "text" ? newest.id : null };
  }

  /** A link to a chat opens it on this phone, as it would on the person's own; any other link goes its way. */
  followed(event) {
    const link = chatLink(event.target.closest("a[href]")?.getAttribute("href"));
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    void this.act.link(link);
  }

  /** A reaction stands on the bubble it is about; one of its own is drawn only when it failed, or that bubble is gone. */
  isElsewhere(bubble) {
    return bubble.type === "reaction" && bubble.ticks !== "failed" && this.thread.bubbles.has(bubble.reply_to);
  }

  /**
   * Bubble id -> the texts this phone has answered it with, so that a pressed button can say so. A tap in a Page's chat
   * names no bubble: then it was the last one before it that offers these words.
   */
  answers() {
    const answers = new Map();
    const offers = new Map(); // words on a button -> the newest bubble that has it
    for (const bubble of this.thread.ordered) {
      const cards = (bubble.elements ?? []).flatMap((card) => card.buttons ?? []);
      if (bubble.kind === "received") for (const { text } of [...(bubble.buttons ?? []), ...cards]) offers.set(text, bubble.id);
      const about = bubble.reply_to ?? (bubble.type === "postback" ? offers.get(bubble.body) : null);
      if (bubble.kind === "sent" && about) answers.set(about, (answers.get(about) ?? new Set()).add(bubble.body));
    }
    return answers;
  }

  day(number, name) {
    if (!this.days.has(number)) this.days.set(number, dayRow(name));
    const node = this.days.get(number);
    node.rename(name);
    return node;
  }

  moveCurrent(id) {
    if (!id || id === this.current) return;
    this.rows.get(this.current)?.setCurrent(false);
    this.current = id;
    this.rows.get(id)?.setCurrent(true);
  }

  /** Arrow keys walk from bubble to bubble, as in a list. */
  keyed(event) {
    const row = event.target === this.log ? null : event.target.closest(".row");
    if (event.target !== this.log && event.target !== row) return;
    if (!["ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
    const nodes = [...this.list.querySelectorAll(".row")];
    if (!nodes.length) return;
    const at = row ? nodes.indexOf(row) : nodes.length;
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: nodes.length - 1 }[event.key];
    nodes[Math.max(0, Math.min(to, nodes.length - 1))].focus();
    event.preventDefault();
  }

  /** Whether a screen reader hears what comes. */
  speak(spoken) {
    this.log.setAttribute("aria-live", spoken ? "polite" : "off");
  }

  isNearEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    return scrollHeight - clientHeight - scrollTop < NEAR_END_PX;
  }

  /**
   * Do we keep to the end? The scroll event comes a frame late: a key that has just moved the view to a button far up
   * must not be answered by a jump back. What only grew below us has left scrollTop where we put it.
   */
  isStuck() {
    if (this.stuck && this.log.scrollTop < this.endTop - NEAR_END_PX && !this.isNearEnd()) this.stuck = false;
    return this.stuck;
  }

  scrolled() {
    this.stuck = this.isNearEnd();
    if (this.stuck) this.endTop = this.log.scrollTop;
    if (this.stuck) this.missed = 0;
    this.showMissed();
  }

  showMissed() {
    this.jumpDown.hidden = this.stuck;
    write(this.below, this.missed ? `${this.missed} new` : "");
    this.jumpDown.setAttribute("aria-label", this.missed ? `${this.missed} new, to the end` : "To the end");
  }

  keepToEnd() {
    this.log.scrollTop = this.log.scrollHeight;
    this.endTop = this.log.scrollTop;
  }

  toEnd() {
    this.stuck = true;
    this.missed = 0;
    this.keepToEnd();
    this.showMissed();
  }

  showEarlier() {
    const { scrollHeight, scrollTop } = this.log;
    this.limit += WINDOW;
    this.stuck = false;
    this.act.redraw();
    this.log.scrollTop = scrollTop + this.log.scrollHeight - scrollHeight;
    this.list.querySelector(".row")?.focus({ preventScroll: true });
  }

  /** To the bubble that was quoted, and let it be seen which one it is. */
  jump(id) {
    if (!this.rows.has(id)) {
      this.limit = this.thread.ordered.length;
      this.act.redraw();
    }
    const node = this.rows.get(id)?.node;
    if (!node) return;
    node.scrollIntoView({ block: "center" });
    node.focus({ preventScroll: true });
  }
}
