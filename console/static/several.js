// One answer to several people who wait about the same thing: choose who, write it once a language, see each, send. The server says
// who, fills in, and does it one by one; a second press is the same intention and sends nothing twice.

import { newKey } from "./drafts.js";
import { post } from "./commands.js";
import { t } from "./words.js";

const byId = (id) => document.getElementById(id);
const lang = document.documentElement.lang;
const made = (tag, more) => Object.assign(document.createElement(tag), more);

export class Several {
  /** conversation: the open one, "" none */
  constructor({ conversation }) {
    this.conversation = conversation;
    this.dialog = byId("several");
    this.body = byId("several-body");
    this.seen = byId("several-seen");
    this.kept = {};
    this.dialog.addEventListener("click", (event) => {
      if (event.target.closest("[data-close]")) this.dialog.close();
      if (event.target.closest("#several-back")) this.show(false);
      if (event.target.closest("#several-send")) void this.send();
    });
    this.dialog.addEventListener("submit", (event) => {
      if (event.target.id !== "several-form") return;
      event.preventDefault();
      void this.look();
    });
    this.dialog.addEventListener("change", (event) => {
      if (event.target.name === "subject") void this.load(event.target.value);
      else this.narrow();
    });
  }

  async open() {
    if (this.dialog.open) return;
    this.dialog.showModal();
    await this.load("");
    (this.body.querySelector("select, button") ?? this.dialog).focus();
  }

  async load(subject) {
    this.show(false);
    this.keep();
    const query = new URLSearchParams({ conversation: this.conversation, subject, lang });
    const response = await fetch(`/desk/several?${query}`, { signal: AbortSignal.timeout(15_000) }).catch(() => null);
    if (response?.ok) this.body.innerHTML = await response.text();
    else this.body.textContent = t("several_unknown");
    for (const box of this.body.querySelectorAll("textarea")) box.value = this.kept[box.name] ?? "";
    this.narrow();
  }

  /** What was typed stays while they look about. */
  keep() {
    for (const box of this.body.querySelectorAll("textarea")) this.kept[box.name] = box.value;
  }

  get form() {
    return byId("several-form");
  }

  chosen() {
    return [...(this.form?.querySelectorAll('[name="conversation"]:checked') ?? [])];
  }

  /** Only languages of whom is chosen; a reason only where something is nobody's. */
  narrow() {
    const chosen = this.chosen();
    const languages = new Set(chosen.map((one) => one.dataset.language));
    for (const label of this.body.querySelectorAll("[data-text-of]")) label.hidden = !languages.has(label.dataset.textOf);
    const reason = this.form?.querySelector('[name="reason"]');
    if (!reason) return;
    reason.required = chosen.some((one) => one.dataset.mine === "no");
    reason.closest("label").hidden = !reason.required;
  }

  say(words) {
    for (const node of this.dialog.querySelectorAll(".said")) node.textContent = words;
  }

  show(seen) {
    this.seen.hidden = !seen;
    this.body.hidden = seen;
    this.say("");
  }

  async look() {
    this.keep();
    const texts = {};
    for (const box of this.body.querySelectorAll("textarea")) texts[box.lang] = box.value;
    try {
      const { people } = await post("/desk/several/look", { conversations: this.chosen().map((one) => one.value), texts, lang });
      this.people = people;
    } catch (error) {
      return this.say(error.message);
    }
    this.reason = this.form.querySelector('[name="reason"]')?.value ?? "";
    this.key = newKey();
    this.draw();
    this.show(true);
    return byId("several-send").focus();
  }

  draw() {
    const going = this.people.filter((one) => !one.why).length;
    byId("several-list").replaceChildren(
      ...this.people.map((one) => {
        const row = made("li", { className: one.why ? "left" : "" });
        row.dataset.id = one.conversation;
        row.append(made("b", { textContent: one.name, dir: "auto" }), made("span", { className: "soft", textContent: ` ${one.language_name}` }));
        row.append(made("p", { textContent: one.why || one.text, dir: "auto", ...(!one.why && { lang: one.language }) }));
        return row;
      }),
    );
    const send = byId("several-send");
    send.textContent = t(going === 1 ? "several_send_one" : "several_send", { n: going });
    send.hidden = !going;
    byId("several-back").hidden = false;
    send.setAttribute("aria-disabled", "false");
  }

  async send() {
    const button = byId("several-send");
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    this.say("");
    const going = this.people.filter((one) => !one.why);
    const people = going.map(({ conversation, epoch, inbound, mine, text }) => ({ conversation, epoch, inbound, mine, text }));
    try {
      const answer = await post("/desk/several", { people, reason: this.reason, lang }, this.key);
      this.told(answer.people);
    } catch (error) {
      this.say(error.message);
    } finally {
      button.setAttribute("aria-disabled", "false");
    }
  }

  /** What became of each. Those that did not go may be tried again: with the same key, so that nobody reads it twice. */
  told(people) {
    const sent = people.filter((one) => one.sent);
    for (const one of people) {
      const row = byId("several-list").querySelector(`[data-id="${one.conversation}"]`);
      row.classList.toggle("left", !one.sent);
      row.querySelector("em")?.remove();
      row.append(made("em", { textContent: one.words, className: one.sent ? "good" : "bad" }));
    }
    byId("several-back").hidden = true;
    const send = byId("several-send");
    send.hidden = sent.length === people.length;
    send.textContent = t("several_again");
    this.say("");
    byId("several-done").textContent = t("several_done", { n: sent.length, all: people.length });
    if (send.hidden) this.kept = {};
  }
}
