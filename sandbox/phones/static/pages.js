import { arrange, h, write } from "./dom.js";
import { icon } from "./icons.js";
import { api } from "./api.js";
import { clockTime } from "./time.js";

const HOLDERS = { ours: "us", inbox: "staff", assistant: "Meta's assistant", idle: "nobody" };
const DEFAULTS = { ours: "us", inbox: "the Page's inbox" };

/** What stands in Meta's own settings of each Page and changes what may be sent, quietly behind one button. */
export class PagesPanel {
  constructor(button, panel, model) {
    Object.assign(this, { button, panel, model });
    this.pages = [];
    this.cards = new Map();
    this.wrong = h("p", { class: "wrong", role: "alert" });
    this.list = h("div", { class: "page-list" });
    panel.append(h("h2", {}, "Pages"), this.list, this.wrong);
    panel.addEventListener("toggle", () => this.render());
  }

  /** Read the Pages; a sandbox that has none shows no button. */
  async load() {
    try {
      this.pages = (await api.pages()).pages;
    } catch {
      this.pages = [];
    }
    this.button.hidden = this.pages.length === 0;
    this.render();
  }

  render() {
    if (!this.panel.matches(":popover-open")) return;
    for (const page of this.pages) {
      if (!this.cards.has(page.id)) this.cards.set(page.id, new PageCard(page.id, (change) => this.change(page.id, change)));
      this.cards.get(page.id).update(page, this.threads(page.id));
    }
    arrange(this.list, this.pages.map((page) => this.cards.get(page.id).node));
  }

  /** The chats with this Page: [{ label, holder }]. */
  threads(pageId) {
    return [...this.model.handsets.values()].flatMap((handset) => {
      const thread = handset.threads.get(pageId);
      return thread ? [{ label: handset.fields.label || handset.fields.name, holder: thread.fields.holder ?? "idle" }] : [];
    });
  }

  async change(id, change) {
    try {
      await api.page(id, change);
      write(this.wrong, "");
    } catch (error) {
      write(this.wrong, error.message);
    }
    await this.load(); // what the sandbox says now, whether it took it or not
  }
}

class PageCard {
  constructor(pageId, change) {
    this.name = h("h3", { dir: "auto" });
    this.username = h("small");
    const id = `utility-${pageId}`;
    this.region = h("button", { type: "button", role: "switch", class: "switch", "aria-labelledby": id, onclick: () => this.flip(change) });
    this.facts = h("dl");
    const templates = h("span", { id }, "Utility templates allowed here");
    const head = h("header", {}, icon("page"), this.name, this.username);
    this.node = h("article", { class: "page" }, head, h("div", { class: "region" }, templates, this.region), this.facts);
  }

  async flip(change) {
    if (this.region.getAttribute("aria-busy") === "true") return;
    this.region.setAttribute("aria-busy", "true");
    await change({ utility: !this.page.utility });
    this.region.removeAttribute("aria-busy");
  }

  update(page, threads) {
    this.page = page;
    write(this.name, page.name);
    write(this.username, `@${page.username}`);
    this.region.setAttribute("aria-checked", String(page.utility));
    const facts = [
      ["Human agent", page.human_agent ? "approved, 7 days" : "not approved"],
      ["New chats go to", DEFAULTS[page.default_app] ?? "nobody chosen"],
      ["Threads held by", held(threads)],
      ["Webhooks", webhooks(page)],
      ["Restricted", page.restricted ? "yes, nothing may be sent" : null],
    ].filter(([, words]) => words);
    const bad = new Set(["Restricted", ...(page.subscribed && !page.failing_since ? [] : ["Webhooks"])]);
    const key = JSON.stringify(facts);
    if (key === this.key) return;
    this.key = key;
    this.facts.replaceChildren(...facts.map(([name, words]) => h("div", { class: bad.has(name) ? "bad" : null }, h("dt", {}, name), h("dd", {}, words))));
  }
}

/** "us 2, staff 1 (Eva)": how many each holds, and whose when it is not us. */
function held(threads) {
  if (!threads.length) return "no chat yet";
  return Object.entries(HOLDERS).flatMap(([holder, words]) => {
    const of = threads.filter((thread) => thread.holder === holder);
    const whose = holder === "inbox" || holder === "assistant" ? ` (${of.map(({ label }) => label).join(", ")})` : "";
    return of.length ? [`${words} ${of.length}${whose}`] : [];
  }).join(", ");
}

function webhooks(page) {
  const at = (ms) => clockTime(ms, Intl.DateTimeFormat().resolvedOptions().timeZone);
  if (!page.subscribed) return page.since ? `off since ${at(page.since)}` : "off";
  return page.failing_since ? `on, failing since ${at(page.failing_since)}` : "on";
}
