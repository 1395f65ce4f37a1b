import { h, write } from "./dom.js";
import { icon } from "./icons.js";
import { More } from "./composer-more.js";
import { excerpt } from "./text.js";

/** Where the person types: Enter sends, Shift+Enter breaks the line, Escape lets go of the quote. */
export class Composer {
  /** act: { say, file, link, menu }, each async and true when it was taken; the text stays in the box until it was. */
  constructor(label, act) {
    this.act = act;
    this.quoted = null;
    this.edited = null;
    this.draft = "";
    this.quoteWho = h("b", { dir: "auto" });
    this.quoteText = h("span", { dir: "auto" });
    this.drop = h("button", { type: "button", class: "icon-button", "aria-label": "Do not quote", onclick: () => this.letGo() }, icon("close"));
    this.quoteBox = h("div", { class: "quoting", hidden: true }, h("div", {}, this.quoteWho, this.quoteText), this.drop);
    this.box = h("textarea", { rows: "1", placeholder: "Message", "aria-label": `Message as ${label}`, dir: "auto", enterkeyhint: "send" });
    this.button = h("button", { type: "submit", class: "send", "aria-label": "Send" }, icon("send"));
    this.more = new More(act);
    this.node = h("form", { class: "composer" }, this.quoteBox, this.more.node, h("div", { class: "typing-line" }, this.more.toggle, this.box, this.button));
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.send();
    });
    this.box.addEventListener("keydown", (event) => this.keyed(event));
    this.box.addEventListener("input", () => this.grow());
  }

  keyed(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      void this.send();
    } else if (event.key === "Escape" && (this.quoted || this.edited)) this.letGo();
  }

  grow() {
    this.box.style.height = "auto";
    this.box.style.height = `${this.box.scrollHeight}px`;
  }

  /** quoted: the bubble that the next words answer, or null. */
  quote(bubble, who = "") {
    if (this.edited) this.write(this.draft);
    this.edited = null;
    this.quoted = bubble;
    this.refer(bubble, who, "Do not quote");
  }

  /** Put one of the person's own messages into the box; what was being typed comes back afterwards. */
  edit(bubble) {
    if (!this.edited) this.draft = this.box.value;
    this.quoted = null;
    this.edited = bubble;
    this.write(bubble.body);
    this.refer(bubble, "Edit your message", "Do not edit");
  }

  refer(bubble, words, drop) {
    this.quoteBox.hidden = bubble === null;
    write(this.quoteWho, words);
    write(this.quoteText, bubble ? excerpt(bubble) : "");
    this.drop.setAttribute("aria-label", drop);
    this.box.focus();
  }

  letGo() {
    this.quote(null);
  }

  write(text) {
    this.box.value = text;
    this.grow();
  }

  /** thread: the chat in front, or null; longest: characters of one text message on its channel */
  enable(thread, longest) {
    this.box.maxLength = longest;
    this.more.fileEntry.disabled = thread === null;
    this.more.offer({ menu: Boolean(thread?.fields.menu?.length) });
    this.box.disabled = thread === null;
    this.button.disabled = thread === null;
    this.box.placeholder = thread ? "Message" : "No chat yet";
  }

  get empty() {
    return this.box.value === "" && this.quoted === null && this.edited === null && !this.more.isOpen;
  }

  async send() {
    const text = this.box.value.trim();
    if (!text || this.busy) return;
    this.busy = true;
    this.node.setAttribute("aria-busy", "true");
    const edited = this.edited;
    const body = this.quoted ? { text, reply_to: this.quoted.id } : { text };
    const taken = await this.act.say(edited ? { edit: { bubble: edited.id, text } } : body);
    this.busy = false;
    this.node.removeAttribute("aria-busy");
    if (taken) {
      if (this.box.value.trim() === text) this.write("");
      if (edited ? this.edited === edited : this.quoted) this.letGo();
    }
    this.box.focus();
  }
}
