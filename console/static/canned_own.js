// One's own canned answers: added, changed and deleted in a dialog. What is refused is said there, and what was typed stays. Other tabs
// are told that there is something new, and ask again when they need it.

import { get, post, Refused } from "./commands.js";
import { newKey } from "./drafts.js";
import { t } from "./words.js";

const PATH = "/desk/own/canned";
const TOLD = "desk:canned";
const byId = (id) => document.getElementById(id);

export class OwnCanned {
  /** changed: called when there is something new, here or in another tab */
  constructor(changed) {
    Object.assign(this, { changed, answers: [], id: "" });
    this.dialog = byId("own-canned");
    this.form = byId("own-canned-form");
    this.which = byId("own-canned-which");
    this.texts = [...this.form.querySelectorAll("textarea")];
    this.which.addEventListener("change", () => this.show(this.which.value));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.keep();
    });
    byId("own-canned-drop").addEventListener("click", () => void this.send({ drop: true }, ""));
    byId("open-own-canned").addEventListener("click", () => {
      byId("keys").close();
      void this.open();
    });
    addEventListener("storage", (event) => event.key === TOLD && changed());
  }

  async open() {
    this.show("");
    this.dialog.showModal();
    try {
      this.answers = (await get(PATH)).answers;
      this.list(); // what is typed already stays
    } catch (error) {
      this.refused(error);
    }
  }

  /** id: "" for a new one */
  show(id) {
    this.one = this.answers.find((answer) => answer.id === id);
    this.id = this.one?.id ?? newKey();
    this.list();
    this.form.elements.title.value = this.one?.title ?? "";
    for (const box of this.texts) box.value = this.one?.texts[box.name] ?? "";
    byId("own-canned-drop").hidden = !this.one;
    this.say("", "");
  }

  list() {
    const rows = [["", t("own_canned.new")], ...this.answers.map((answer) => [answer.id, answer.title])];
    this.which.replaceChildren(...rows.map(([value, textContent]) => Object.assign(document.createElement("option"), { value, textContent })));
    this.which.value = this.one?.id ?? "";
  }

  say(wrong, done) {
    this.form.querySelector(".said").textContent = wrong;
    byId("own-canned-done").textContent = done;
  }

  keep() {
    const shown = Object.fromEntries(this.texts.map((box) => [box.name, box.value]));
    return this.send({ title: this.form.elements.title.value, texts: { ...this.one?.texts, ...shown } }, this.id);
  }

  async send(more, then) {
    if (this.busy) return;
    this.busy = true;
    try {
      this.answers = (await post(PATH, { id: this.id, version: this.one?.version ?? 0, ...more })).answers;
      localStorage.setItem(TOLD, newKey());
      this.changed();
      this.show(then);
      this.say("", t(more.drop ? "own_canned.dropped" : "own_canned.kept"));
    } catch (error) {
      this.refused(error);
    } finally {
      this.busy = false;
    }
  }

  refused(error) {
    if (!(error instanceof Refused)) throw error;
    this.say(error.message, "");
  }
}
