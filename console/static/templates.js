// What may still be said when the service window is shut. The server says which, in which words and at what price; the agent fills in what
// is blank and sees the words grow. What was written in the box stays there: it may go when they write, and never goes by itself.

import { get, post } from "./commands.js";
import { newKey } from "./drafts.js";
import { t } from "./words.js";

const byId = (id) => document.getElementById(id);
const BLANK = "\u2026";

export class Shut {
  /** facts: () => what the head shows; sent: called with the answer of one that went; say: the composer's own voice */
  constructor({ conversation, facts, sent, say }) {
    Object.assign(this, { conversation, facts, sent, say });
    this.shown = false;
    this.instead = "";
  }

  /** One of them in place of a message of ours that did not arrive, also while the window is open; pressed again, no more. */
  insteadOf(message) {
    this.instead = this.instead === message ? "" : message;
    if (this.shown) void this.load();
    this.update(this.shown || Boolean(this.instead));
    byId("shut").scrollIntoView({ block: "nearest" });
  }

  /** Called whenever the window may have shut or opened. */
  update(shut) {
    shut = Boolean(shut);
    if (shut === this.shown) return;
    this.shown = shut;
    byId("shut").hidden = !shut;
    if (shut) void this.load();
  }

  async load() {
    let found;
    try {
      found = (await get(`/desk/${this.conversation}/templates`)).templates;
    } catch (error) {
      byId("shut-words").textContent = error.message;
      return;
    }
    if (this.instead) byId("shut-words").textContent = t(found.length ? "template_instead" : "template_none");
    else byId("shut-words").textContent = found.length
      ? t("template_only")
      : t("template_shut");
    byId("offers").replaceChildren(...found.map((one) => this.offer(one)));
  }

  offer(one) {
    const form = byId("offer").content.firstElementChild.cloneNode(true);
    const text = form.querySelector(".offer-text");
    form.querySelector("b").textContent = one.title;
    form.querySelector(".soft").textContent = [one.language, one.price].filter(Boolean).join(", ");
    text.textContent = one.text;
    const fields = one.blanks.map((blank) => {
      const label = document.createElement("label");
      label.append(blank.name.replaceAll("_", " "));
      const field = document.createElement("input");
      Object.assign(field, { maxLength: blank.longest, required: true, dir: "auto", autocomplete: "off" });
      label.append(field);
      field.addEventListener("input", () => {
        text.textContent = one.text.replace(BLANK, field.value || BLANK);
      });
      form.querySelector(".blanks").append(label);
      return [blank.name, field];
    });
    const key = newKey();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send(form, one, fields, key);
    });
    return form;
  }

  async send(form, one, fields, key) {
    const button = form.querySelector("button");
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    const values = Object.fromEntries(fields.map(([name, field]) => [name, field.value]));
    try {
      this.sent(await post(`/desk/${this.conversation}/reply`, { epoch: this.facts().epoch, template: { name: one.name, values }, ...(this.instead && { instead: this.instead }) }, key));
      this.instead = "";
      this.say(t("template_sent"), "wait");
      await this.load();
    } catch (error) {
      this.say(error.message, error.status === 0 ? "wait" : "bad");
    } finally {
      button.setAttribute("aria-disabled", "false");
    }
  }
}
