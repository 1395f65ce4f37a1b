// A file beside the reply. The server says at once whether it may go: what the composer shows as attached was taken up there, sealed,
// and goes out with the words or stays with the draft. Chosen, pasted or dropped, it is the same; the page decides nothing.

import { upload } from "./commands.js";
import { newKey } from "./drafts.js";
import { t } from "./words.js";

const byId = (id) => document.getElementById(id);

export class Attaching {
  /** draft: () => the reply's draft, which keeps what is attached; changed: called when it should be kept, or send looked at anew */
  constructor({ conversation, draft, changed, say }) {
    Object.assign(this, { conversation, draft, changed, say });
    this.busy = false;
    byId("attach").addEventListener("click", () => byId("attach-file").click());
    byId("attach-file").addEventListener("change", (event) => {
      const [file] = event.target.files;
      if (file) void this.take(file);
      event.target.value = "";
    });
    byId("attached-off").addEventListener("click", () => {
      this.drop();
      byId("reply-text").focus();
    });
    byId("reply-text").addEventListener("paste", (event) => this.from(event, event.clipboardData));
    const form = byId("reply");
    form.addEventListener("dragover", (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      form.classList.add("over");
    });
    form.addEventListener("dragleave", () => form.classList.remove("over"));
    form.addEventListener("drop", (event) => {
      form.classList.remove("over");
      this.from(event, event.dataTransfer);
    });
    this.show();
  }

  /** Pasted or dropped: a file is taken, words are left to the browser. */
  from(event, data) {
    const file = data?.files?.[0];
    if (!file) return;
    event.preventDefault();
    void this.take(file, data.files.length > 1);
  }

  /** more: there were others, which are not taken. One file goes with a reply: what is left out or replaced is said. */
  async take(file, more = false) {
    if (this.busy) return this.say(t("file.one"));
    const one = more || Boolean(this.draft().file);
    this.busy = true;
    this.state(file.name, t("file.checked"));
    this.changed();
    try {
      const taken = await upload(`/desk/${this.conversation}/files`, file, newKey());
      this.draft().file = { file: taken.file, name: taken.name, weight: taken.weight, picture: taken.kind === "picture" ? taken.url : "" };
      this.say(one ? t("file.one") : "", "wait");
    } catch (error) {
      this.say(`${file.name}: ${error.message}`);
    } finally {
      this.busy = false;
      this.show();
      this.changed();
    }
  }

  drop() {
    delete this.draft().file;
    this.show();
    this.changed();
  }

  state(name, words) {
    byId("attached").hidden = false;
    byId("attached-name").textContent = name;
    byId("attached-state").textContent = words;
  }

  show() {
    const file = this.draft().file;
    const picture = byId("attached-picture");
    byId("attached").hidden = !file;
    picture.hidden = !file?.picture;
    if (file?.picture) picture.src = file.picture;
    else picture.removeAttribute("src");
    if (file) this.state(file.name, file.weight);
  }
}
