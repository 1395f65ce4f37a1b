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
    this.shut = false;
    this.instead = "";
    this.values = {};
    this.keys = new Map();
  }

  /** Whether somebody has words in a blank: then it stays where it is, also when the window opens under their hands. */
  get writing() {
    return Object.values(this.values).some((values) => Object.values(values).some(Boolean));
  }

  /** One of them in place of a message of ours that did not arrive, also while the window is open; pressed again, no more. */
  insteadOf(message) {
    this.instead = this.instead === message ? "" : message;
    if (this.shown) void this.load();
    this.update(this.shut, true);
    byId("shut").scrollIntoView({ block: "nearest" });
  }

  /** Called whenever the window may have shut or opened, or the box of replies come or gone (seen). */
  update(shut, seen) {
    if (this.shut && !shut && this.writing) byId("shut-words").textContent = t("opened");
    this.shut = shut;
    const shown = seen && (shut || Boolean(this.instead) || this.writing);
    if (shown === this.shown) return;
    this.shown = shown;
    byId("shut").hidden = !shown;
    if (shown) void this.load();
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
    else if (this.shut) byId("shut-words").textContent = t(found.length ? "template_only" : "template_shut");
    else byId("shut-words").textContent = t("opened");
    byId("offers").replaceChildren(...found.map((one) => this.offer(one)));
  }

  offer(one) {
    const form = byId("offer").content.firstElementChild.cloneNode(true);
    const text = form.querySelector(".offer-text");
    form.querySelector("b").textContent = one.title;
    form.querySelector(".soft").textContent = [one.language, one.price].filter(Boolean).join(", ");
    const typed = (this.values[one.name] ??= {});
    const grow = () => (text.textContent = one.parts.map((part) => (part.blank ? typed[part.blank] || BLANK : part.text)).join(""));
    for (const blank of one.blanks) {
      const label = document.createElement("label");
      label.append(blank.name.replaceAll("_", " "));
      const field = document.createElement("input");
      Object.assign(field, { maxLength: blank.longest, required: true, dir: "auto", autocomplete: "off", value: typed[blank.name] ?? "" });
      label.append(field);
      field.addEventListener("input", () => {
        typed[blank.name] = field.value;
        grow();
      });
      form.querySelector(".blanks").append(label);
    }
    grow();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send(form, one.name, { ...typed });
    });
    return form;
  }

  /** The same words pressed again, after a lost answer say, are the same message, however the offers were drawn meanwhile. */
  async send(form, name, values) {
    const button = form.querySelector("button");
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    const body = { template: { name, values }, ...(this.instead && { instead: this.instead }) };
    const same = JSON.stringify(body);
    if (!this.keys.has(same)) this.keys.set(same, newKey());
    try {
      this.sent(await post(`/desk/${this.conversation}/reply`, { epoch: this.facts().epoch, ...body }, this.keys.get(same)));
      this.keys.delete(same);
      if (JSON.stringify(this.values[name]) === JSON.stringify(values)) delete this.values[name];
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
