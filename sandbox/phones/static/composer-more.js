import { arrange, h, write } from "./dom.js";
import { icon } from "./icons.js";
import { chatLink } from "./links.js";

/** What else a person can do than type: send a file, open a link to a chat, open the Page's menu. Behind a plus. */
export class More {
  /** act: { file(file), link(address), menu() }; each resolves true when it was taken. */
  constructor(act) {
    this.act = act;
    this.toggle = h("button", { type: "button", class: "plus", "aria-label": "More: a file, a link", "aria-expanded": "false" }, icon("plus"));
    this.toggle.addEventListener("click", () => this.open(!this.isOpen));
    this.picker = h("input", { type: "file", class: "visually-hidden", tabindex: "-1", "aria-label": "File to send" });
    this.picker.addEventListener("change", () => this.picked());
    const entry = (name, words, onclick) => h("button", { type: "button", class: "more-entry", onclick }, icon(name), words);
    this.fileEntry = entry("clip", "Send a file", () => this.picker.click());
    this.linkEntry = entry("link", "Open a link", () => this.showLink(true));
    this.menuEntry = entry("list", "Menu", () => this.act.menu());
    const looks = { class: "address", placeholder: "m.me/… or wa.me/…", "aria-label": "Link to a chat" };
    this.address = h("input", { type: "text", inputmode: "url", autocomplete: "off", spellcheck: "false", ...looks });
    this.wrong = h("p", { class: "wrong", role: "alert" });
    this.openEntry = h("button", { type: "button", class: "more-entry go", onclick: () => void this.follow() }, "Open");
    this.address.addEventListener("keydown", (event) => this.keyed(event));
    this.entries = h("div", { class: "more-entries" }, this.fileEntry, this.linkEntry, this.menuEntry);
    this.linkLine = h("div", { class: "more-link" }, this.address, this.openEntry);
    this.node = h("div", { class: "more", role: "group", "aria-label": "More", hidden: true }, this.picker);
    this.node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.open(false);
    });
  }

  get isOpen() {
    return !this.node.hidden;
  }

  /** menu: does the Page have one? */
  offer({ menu }) {
    this.menuEntry.hidden = !menu;
  }

  open(open) {
    if (!open && this.node.contains(document.activeElement)) this.toggle.focus(); // it would be lost with what is hidden
    this.node.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
    if (open) {
      this.showLink(false);
      (this.fileEntry.disabled ? this.linkEntry : this.fileEntry).focus();
    }
  }

  showLink(shown) {
    write(this.wrong, "");
    arrange(this.node, [this.picker, ...(shown ? [this.linkLine, this.wrong] : [this.entries])]);
    if (!shown) return;
    this.address.value = "";
    this.address.focus();
  }

  keyed(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault(); // else the form around us sends what stands in the other box
    void this.follow();
  }

  async follow() {
    const link = chatLink(this.address.value);
    write(this.wrong, link ? "" : "That is no m.me or wa.me address.");
    if (link && (await this.act.link(link))) this.open(false);
  }

  async picked() {
    const [file] = this.picker.files;
    if (file && (await this.act.file(file))) this.open(false);
    this.picker.value = ""; // the same file may be picked again
  }
}
