// Canned answers. "/" at the beginning of a line of the reply opens them; what is typed behind it narrows them down; Enter puts one
// into the box as the agent's own words. Escape leaves the slash as it is: somebody may mean just that.

import { get } from "./commands.js";
import { t } from "./words.js";

const byId = (id) => document.getElementById(id);
const OPENS = /(^|\n)\/([^\s/]*)$/;
const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

export class CannedAnswers {
  /** changed: called when the box has other words, with what follows them where it is a macro; shown: when it must be seen */
  constructor({ conversation, changed, shown }) {
    Object.assign(this, { conversation, changed, shown });
    this.box = byId("reply-text");
    this.list = byId("canned");
    this.all = null;
    this.looking = 0;
    this.enter = false;
    this.left = "";
    this.box.addEventListener("input", () => void this.look());
    this.box.addEventListener("keydown", (event) => this.key(event), { capture: true });
    this.box.addEventListener("blur", () => setTimeout(() => this.close(), 200));
    this.list.addEventListener("mousedown", (event) => {
      const row = event.target.closest("[role=option]");
      if (!row) return;
      event.preventDefault();
      this.put(row.dataset.name);
    });
  }

  get open() {
    return !this.list.hidden;
  }

  wanted() {
    return this.box.value.slice(0, this.box.selectionStart).match(OPENS);
  }

  async look() {
    const found = this.wanted();
    if (!found || found[0] === this.left) return this.close();
    this.left = "";
    this.looking += 1;
    await this.load().finally(() => (this.looking -= 1));
    const enter = this.enter && !this.looking;
    const now = this.all && this.wanted();
    if (!this.looking) this.enter = false;
    if (!now) return this.close();
    const rows = this.all.filter((one) => folded(`${one.name} ${one.title} ${one.words}`).includes(folded(now[2]))).slice(0, 8);
    this.list.hidden = !rows.length;
    this.list.replaceChildren(...rows.map((one, place) => this.row(one, place === 0)));
    this.point();
    if (enter && rows.length) this.put(rows[0].name);
  }

  /** Those there are, filled in for this customer; none while the server does not say. */
  async load() {
    this.asked ??= get(`/desk/${this.conversation}/canned`).then((answer) => answer.canned, () => (this.asked = null));
    this.all = await this.asked;
  }

  /** There is something new: they are asked for again when they are needed. */
  forget() {
    this.asked = null;
  }

  /** For the palette: each by its title. */
  commands() {
    return (this.all ?? []).map((one) => ({ words: `/ ${one.title}${one.own ? ` (${t("own")})` : ""}`, run: () => this.insert(one) }));
  }

  /** Where the caret is, as the agent's own words. */
  insert(one) {
    this.shown();
    this.box.setRangeText(one.text, this.box.selectionStart, this.box.selectionEnd, "end");
    this.changed(one.follows);
    this.box.focus();
  }

  row(one, first) {
    const node = document.createElement("li");
    Object.assign(node, { id: `canned-${one.name}`, role: "option", ariaSelected: String(first) });
    node.dataset.name = one.name;
    const title = document.createElement("b");
    title.textContent = one.title;
    if (one.own) title.append(" ", Object.assign(document.createElement("span"), { className: "mark", textContent: t("own") }));
    const text = document.createElement("span");
    Object.assign(text, { textContent: one.text, lang: one.language, dir: "auto" });
    node.append(title, text);
    return node;
  }

  point() {
    const row = this.list.querySelector('[aria-selected="true"]');
    if (row && this.open) this.box.setAttribute("aria-activedescendant", row.id);
    else this.box.removeAttribute("aria-activedescendant");
    row?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    if (event.isComposing) return;
    if (!this.open && this.looking && event.key === "Enter" && this.wanted()) {
      // Quicker than the list: Enter chooses from it when it is there, and sends no "/word" to the customer.
      this.enter = true;
      event.preventDefault();
      event.stopImmediatePropagation();
    }
    if (!this.open) return;
    const rows = [...this.list.children];
    const at = rows.findIndex((row) => row.ariaSelected === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      rows[at].ariaSelected = "false";
      rows[(at + (event.key === "ArrowDown" ? 1 : rows.length - 1)) % rows.length].ariaSelected = "true";
      this.point();
    } else if (event.key === "Enter" || event.key === "Tab") {
      this.put(rows[at].dataset.name);
    } else if (event.key === "Escape") {
      this.left = this.wanted()?.[0] ?? "";
      this.close();
    } else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  put(name) {
    const one = this.all.find((row) => row.name === name);
    const found = this.wanted();
    if (!one || !found) return this.close();
    const end = this.box.selectionStart;
    this.box.setRangeText(found[1] + one.text, end - found[0].length, end, "end");
    this.close();
    this.changed(one.follows);
    this.box.focus();
  }

  close() {
    this.list.hidden = true;
    this.box.removeAttribute("aria-activedescendant");
  }
}
