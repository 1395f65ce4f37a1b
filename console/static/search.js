// What was said before, found by its words: in the brands that one may read, newest first. The words go up in a body, never in a URL.

import { localise } from "./clock.js";
import { post } from "./commands.js";
import { t } from "./words.js";

const PAGE = 50;
const byId = (id) => document.getElementById(id);
const made = (tag, more) => Object.assign(document.createElement(tag), more);

export class Search {
  constructor() {
    this.dialog = byId("search");
    this.field = byId("search-text");
    this.list = byId("search-found");
    this.turn = 0;
    this.more = byId("search-more");
    this.brands = [];
    this.shown = 0;
    byId("search-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.run();
    });
    this.more.addEventListener("click", () => void this.onward());
  }

  /** text: words that are looked for at once */
  open(text) {
    this.field.value = text;
    if (!this.dialog.open) this.dialog.showModal();
    this.field.focus();
    void this.run();
  }

  async run() {
    const text = this.field.value.trim();
    if (!text) return;
    this.text = text;
    this.shown = 0;
    // Of each brand what came and is not shown yet, and where its next page begins: null where nothing is left.
    this.brands = this.dialog.dataset.brands.split(" ").filter(Boolean).map((brand) => ({ brand, hits: [], after: undefined }));
    this.list.replaceChildren();
    this.more.hidden = true;
    await this.older();
  }

  /** The button asks once at a time; where it goes for good, the first of what it brought has the focus. */
  async onward() {
    if (this.asking) return;
    this.asking = true;
    const before = this.list.children.length;
    try {
      await this.older();
    } finally {
      this.asking = false;
    }
    if (this.more.hidden) (this.list.children[before]?.querySelector("a") ?? this.field).focus();
  }

  /** The next page, newest first over all brands. What is said meanwhile is newer than all of it, and moves nothing. */
  async older() {
    const turn = ++this.turn;
    const page = [];
    this.say(t("search_runs"));
    try {
      let stopped = false;
      while (page.length < PAGE && !stopped) {
        const dry = this.brands.filter((one) => !one.hits.length && one.after !== null);
        const found = await Promise.all(dry.map((one) => post("/desk/search", { text: this.text, brand: one.brand, after: one.after })));
        if (turn !== this.turn) return;
        dry.forEach((one, place) => Object.assign(one, { hits: found[place].hits, after: found[place].after }));
        stopped = found.some((one) => one.stopped);
        page.push(...this.next(PAGE - page.length, stopped));
        if (this.brands.every((one) => !one.hits.length && one.after === null)) break;
      }
      this.draw(page);
      this.more.hidden = this.brands.every((one) => !one.hits.length && one.after === null);
      if (stopped) this.say(t("search_stopped"));
    } catch (error) {
      if (turn !== this.turn) return;
      this.draw(page);
      this.say(error.status === 404 ? t("search_none_kept") : error.message);
      this.more.hidden = error.status === 404 || !this.shown;
    }
  }

  /** The newest hits that are here, until a brand runs dry that has more: what it has may be newer. all: whatever it has */
  next(most, all) {
    const taken = [];
    while (taken.length < most && (all || this.brands.every((one) => one.hits.length || one.after === null))) {
      const full = this.brands.filter((one) => one.hits.length);
      if (!full.length) break;
      taken.push(full.reduce((best, one) => (one.hits[0].at_ms > best.hits[0].at_ms ? one : best)).hits.shift());
    }
    return taken;
  }

  say(words) {
    byId("search-said").textContent = words;
  }

  draw(hits) {
    this.shown += hits.length;
    this.say(this.shown ? t("search_found", { n: this.shown }) : t("none_found"));
    this.list.append(
      ...hits.map((hit) => {
        const row = made("li");
        const link = made("a", { href: `/desk/${hit.conversation}`, className: "search-hit" });
        const at = made("time", { className: "far", dateTime: new Date(hit.at_ms).toISOString() });
        const who = t({ in: "said_them", note: "said_note" }[hit.kind] ?? "said_us");
        const head = made("span", { className: "soft" });
        head.append(at, ` · ${who}${hit.outside ? ` · ${t("search_outside")}` : ""}`);
        link.append(head, made("span", { textContent: hit.text, dir: "auto" }));
        row.append(link);
        return row;
      }),
    );
    localise(this.list);
  }
}
