// What messages of ours cost, beside their delivery mark: asked for beside the page, as the history may take longer, and again a
// moment after something became of one. A line that is drawn anew gets back what is known of it; unknown shows nothing.

import { t } from "./words.js";

const LATER_MS = 3_000;
const lang = document.documentElement.lang;

export class Prices {
  constructor({ conversation }) {
    this.conversation = conversation;
    this.known = {};
    this.timer = 0;
  }

  /** Called when lines were drawn. */
  drawn() {
    this.put();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.load(), LATER_MS);
  }

  async load() {
    const response = await fetch(`/desk/${this.conversation}/prices?lang=${lang}`, { signal: AbortSignal.timeout(8_000) }).catch(() => null);
    if (!response?.ok) return;
    this.known = (await response.json()).prices;
    this.put();
  }

  put() {
    for (const node of document.querySelectorAll("#lines [data-ours] .price")) {
      const price = this.known[node.closest("[data-ours]").dataset.ours] ?? "";
      if (node.textContent === price) continue;
      node.textContent = price;
      node.title = price && t("price", { price });
    }
  }
}
