// What was said before, found by its words: in the brands that one may read, newest first. The words go up in a body, never in a URL.

import { localise } from "./clock.js";
import { post } from "./commands.js";
import { t } from "./words.js";

const byId = (id) => document.getElementById(id);
const made = (tag, more) => Object.assign(document.createElement(tag), more);

export class Search {
  constructor() {
    this.dialog = byId("search");
    this.field = byId("search-text");
    this.list = byId("search-found");
    this.turn = 0;
    byId("search-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.run();
    });
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
    const turn = ++this.turn;
    this.say(t("search_runs"));
    try {
      const brands = this.dialog.dataset.brands.split(" ").filter(Boolean);
      const found = await Promise.all(brands.map((brand) => post("/desk/search", { text, brand })));
      if (turn !== this.turn) return;
      this.draw(found.flatMap((one) => one.hits).sort((one, other) => other.at_ms - one.at_ms).slice(0, 50));
      if (found.some((one) => one.stopped)) this.say(t("search_stopped"));
    } catch (error) {
      if (turn === this.turn) this.say(error.status === 404 ? t("search_none_kept") : error.message);
    }
  }

  say(words) {
    byId("search-said").textContent = words;
  }

  draw(hits) {
    this.say(hits.length ? t("search_found", { n: hits.length }) : t("none_found"));
    this.list.replaceChildren(
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
