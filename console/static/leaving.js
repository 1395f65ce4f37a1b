// Signing out. Who has live work says what becomes of each conversation; it is done by the usual commands, and only when all of it is
// done, and unsent replies lie with the server, is the session ended. What fails is said where it was chosen, and nobody is signed out.

import { get, post, Refused } from "./commands.js";
import { drafts, forgetAll, newKey } from "./drafts.js";
import { parkedUntil } from "./doing.js";
import { tellOut } from "./out.js";
import { t } from "./words.js";

const KEPT_MAX = 4000;
const NOT_THEIRS = ["owner_changed", "resolved", "not_found", "erased"];
const byId = (id) => document.getElementById(id);

export class Leaving {
  /** forget: lets the composer forget its drafts; locked: the desk was locked meanwhile */
  constructor({ forget, locked }) {
    Object.assign(this, { forget, locked });
    this.dialog = byId("leaving");
    this.body = byId("leaving-body");
    this.keys = new Map();
    this.busy = false;
    byId("sign-out").addEventListener("click", () => void this.begin());
    this.dialog.addEventListener("click", (event) => {
      const what = event.target.closest("[data-leave]")?.dataset.leave;
      if (what === "stay") this.dialog.close();
      if (what === "now") void this.during(() => this.out());
    });
    this.dialog.addEventListener("change", (event) => event.target.name === "what" && this.narrow());
    this.dialog.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.during(() => this.settle());
    });
  }

  /** One thing at a time: a second press while it runs does nothing. */
  async during(action) {
    if (this.busy) return;
    this.busy = true;
    byId("leaving-do")?.setAttribute("aria-disabled", "true");
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status === 423) this.locked();
      else this.say(error.message);
    } finally {
      this.busy = false;
      byId("leaving-do")?.setAttribute("aria-disabled", "false");
    }
  }

  async begin() {
    if (this.busy || this.dialog.open) return;
    await this.during(async () => {
      if (await this.load()) this.dialog.showModal();
      else await this.out();
    });
  }

  say(words) {
    const node = byId("leaving-said");
    if (node) node.textContent = words;
    else this.body.replaceChildren(Object.assign(document.createElement("p"), { className: "said", role: "alert", textContent: words }), this.stay());
    if (!this.dialog.open) this.dialog.showModal();
  }

  stay() {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: t("stay") });
    button.dataset.leave = "stay";
    return button;
  }

  get rows() {
    return [...this.body.querySelectorAll(".leaving-one")];
  }

  async asked() {
    return (await get(`/desk/leaving?lang=${document.documentElement.lang}`)).html;
  }

  /** Asks the server what is live, not the lists of this page. Returns whether there is anything to ask. */
  async load() {
    this.body.innerHTML = await this.asked();
    this.narrow();
    this.owned = new Set(byId("leaving-form").dataset.owned.split(" "));
    const left = drafts().filter((one) => one.text.trim());
    const kept = left.filter((one) => this.keeps(one));
    byId("leaving-kept").hidden = !kept.length;
    byId("leaving-lost").hidden = kept.length === left.length;
    return this.rows.length > 0 || left.length > 0;
  }

  /** The server keeps unsent replies in one's own conversations; a note is kept by its button alone. */
  keeps({ conversation, mode, text }) {
    return mode === "reply" && this.owned.has(conversation) && text.length <= KEPT_MAX;
  }

  /** Only what the chosen way needs. */
  narrow() {
    for (const row of this.rows) {
      const what = row.querySelector('[name="what"]').value.split(":")[0];
      for (const label of row.querySelectorAll("[data-for]")) {
        label.hidden = !label.dataset.for.split(" ").includes(what);
        label.querySelector("textarea, select").required = !label.hidden;
      }
    }
  }

  async settle() {
    this.say("");
    await this.hand();
    for (const row of this.rows) {
      try {
        await this.settleOne(row);
        row.remove();
      } catch (error) {
        if (!(error instanceof Refused) || [0, 401, 423].includes(error.status)) throw error;
        if (NOT_THEIRS.includes(error.code)) row.remove();
        else row.querySelector(".said").textContent = error.message;
      }
    }
    if (this.rows.length) {
      this.dialog.querySelector('[data-leave="now"]').hidden = false;
      this.say(t("leaving_left"));
      this.rows[0].querySelector("select").focus();
    } else if (await this.given()) this.say(t("leaving_given"));
    else await this.out();
  }

  /** Whether something came to them while they chose; then it is asked about too. */
  async given() {
    if (!(await this.asked()).includes("leaving-one")) return false;
    await this.load();
    return true;
  }

  settleOne(row) {
    const [what, more] = row.querySelector('[name="what"]').value.split(":");
    const { id, state } = row.dataset;
    const epoch = Number(row.dataset.epoch);
    const inbound = Number(row.dataset.inbound);
    const note = row.querySelector('[name="note"]')?.value;
    const reason = row.querySelector('[name="reason"]')?.value;
    if (what === "park") return this.send(id, "park", { epoch, inbound, until: parkedUntil(more) }, more);
    if (what === "transfer") return this.send(id, "transfer", { epoch, queue: more, note });
    if (what === "release") return this.send(id, "release", { epoch, ...(note && { note }) });
    return this.send(id, state === "wrapup" ? "tag" : "finish", { epoch, inbound, ...(reason && { reason }) });
  }

  /** Pressed again after a lost answer it is the same command. same: what it is told by, where its body tells the time */
  send(id, what, body, same = JSON.stringify(body)) {
    const name = `${id} ${what} ${same}`;
    if (!this.keys.has(name)) this.keys.set(name, { key: newKey(), body });
    const first = this.keys.get(name);
    return post(`/desk/${id}/${what}`, first.body, first.key);
  }

  /** Unsent replies to the server, while the conversations are still theirs. */
  async hand() {
    for (const one of drafts().filter((draft) => draft.text.trim() && this.keeps(draft))) {
      try {
        await post(`/desk/${one.conversation}/draft`, { text: one.text });
      } catch (error) {
        // Erased, or out of reach meanwhile: nobody will have it next. Anything else stops the signing out.
        if (!(error instanceof Refused) || ![404, 410].includes(error.status)) throw error;
      }
    }
  }

  async out() {
    await this.hand();
    let onward = "/login";
    try {
      onward = (await post("/logout")).next;
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401) throw error; // 401: signed out already
    }
    this.forget();
    forgetAll();
    tellOut();
    location.href = onward;
  }
}
