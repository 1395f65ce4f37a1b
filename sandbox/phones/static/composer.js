import { h, write } from "./dom.js";
import { icon } from "./icons.js";
import { excerpt } from "./text.js";

const LONGEST = 4_096; // characters of one text message, as the channel has it

/** Where the person types: Enter sends, Shift+Enter breaks the line, Escape lets go of the quote. */
export class Composer {
  /** say: async (body) => taken; the text stays in the box until it was. */
  constructor(label, say) {
    this.say = say;
    this.quoted = null;
    this.quoteWho = h("b", { dir: "auto" });
    this.quoteText = h("span", { dir: "auto" });
    const drop = h("button", { type: "button", class: "icon-button", "aria-label": "Do not quote", onclick: () => this.quote(null) }, icon("close"));
    this.quoteBox = h("div", { class: "quoting", hidden: true }, h("div", {}, this.quoteWho, this.quoteText), drop);
    this.box = h("textarea", { rows: "1", maxlength: LONGEST, placeholder: "Message", "aria-label": `Message as ${label}`, dir: "auto", enterkeyhint: "send" });
    this.button = h("button", { type: "submit", class: "send", "aria-label": "Send" }, icon("send"));
    this.node = h("form", { class: "composer" }, this.quoteBox, h("div", { class: "typing-line" }, this.box, this.button));
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
    } else if (event.key === "Escape" && this.quoted) this.quote(null);
  }

  grow() {
    this.box.style.height = "auto";
    this.box.style.height = `${this.box.scrollHeight}px`;
  }

  /** quoted: the bubble that the next words answer, or null. */
  quote(bubble, who = "") {
    this.quoted = bubble;
    this.quoteBox.hidden = bubble === null;
    write(this.quoteWho, who);
    write(this.quoteText, bubble ? excerpt(bubble) : "");
    this.box.focus();
  }

  enable(open) {
    this.box.disabled = !open;
    this.button.disabled = !open;
    this.box.placeholder = open ? "Message" : "No business to write to yet";
  }

  get empty() {
    return this.box.value === "" && this.quoted === null;
  }

  async send() {
    const text = this.box.value.trim();
    if (!text || this.busy) return;
    this.busy = true;
    this.node.setAttribute("aria-busy", "true");
    const body = this.quoted ? { text, reply_to: this.quoted.id } : { text };
    const taken = await this.say(body);
    this.busy = false;
    this.node.removeAttribute("aria-busy");
    if (taken) {
      if (this.box.value.trim() === text) this.box.value = "";
      this.grow();
      if (this.quoted) this.quote(null);
    }
    this.box.focus();
  }
}
