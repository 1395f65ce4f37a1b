// An agent's unsent words, on this computer, until they are sent, thrown away, or the agent signs out. A draft has one key
// from its first press of send until it is known to be sent: however often it is pressed, it is one message.

import { t } from "./words.js";

const TOLD_MS = 1500;
const agent = document.querySelector('meta[name="desk-agent"]')?.content ?? "";
const prefix = `desk:${agent}:`;
const name = (conversation, mode) => `${prefix}${conversation}:${mode}`;

export function readDraft(conversation, mode) {
  try {
    return JSON.parse(localStorage.getItem(name(conversation, mode))) ?? { text: "", key: "" };
  } catch {
    return { text: "", key: "" };
  }
}

/** Returns whether it could be kept (a full or forbidden store is said to the agent). */
export function keepDraft(conversation, mode, draft) {
  try {
    if (draft.text || draft.key || draft.quote || draft.file || draft.instead) localStorage.setItem(name(conversation, mode), JSON.stringify(draft));
    else localStorage.removeItem(name(conversation, mode));
    return true;
  } catch {
    return false;
  }
}

/** Told when another tab of theirs changed a draft, or this page came back from where browsers lay pages aside. */
export function onChanged(conversation, mode, told) {
  addEventListener("storage", (event) => event.key === name(conversation, mode) && told(readDraft(conversation, mode)));
  addEventListener("pageshow", (event) => event.persisted && told(readDraft(conversation, mode)));
}

const BESIDE = ["quote", "file", "instead", "follows"];

/** What is left of a draft once `went` of it was sent: words typed behind it, and what was put beside them since. Takes out of the box
 *  what went; a caret in what stays does not move. Words that were changed meanwhile all stay: whoever wrote them decides. */
export function afterSending(draft, went, box) {
  if (box.value.startsWith(went.text)) {
    const rest = box.value.slice(went.text.length).trimStart();
    box.setRangeText("", 0, box.value.length - rest.length, "preserve");
  }
  const since = BESIDE.filter((what) => draft[what] && JSON.stringify(draft[what]) !== JSON.stringify(went[what]));
  return { text: box.value, key: "", ...Object.fromEntries(since.map((what) => [what, draft[what]])) };
}

const all = () => Object.keys(localStorage).filter((key) => key.startsWith(prefix));
/** Every draft of this agent's on this computer: {conversation, mode, text}. */
export const drafts = () =>
  all().map((key) => {
    const [conversation, mode] = key.slice(prefix.length).split(":");
    return { conversation, mode, text: readDraft(conversation, mode).text ?? "" };
  });
export const forgetAll = () => all().forEach((key) => localStorage.removeItem(key));
export const newKey = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

/** Unsent words for whoever has the conversation next: told to the server when somebody has stopped typing for a while. A loss is no
 *  loss of theirs: their own computer has the draft. */
export class Unsent {
  constructor({ conversation, box, changed, get, post }) {
    Object.assign(this, { conversation, box, get, post, told: "", before: Promise.resolve() });
    document.getElementById("unsent-use").addEventListener("click", () => {
      this.box.value = this.box.value ? `${this.box.value}\n${this.found.text}` : this.found.text;
      document.getElementById("unsent").hidden = true;
      changed();
      this.box.focus();
    });
    this.look();
  }

  /** What colleagues left unsent: asked for when the page opens, and again when the conversation becomes theirs while it is open. */
  look() {
    void this.get(`/desk/${this.conversation}/draft`).then(({ unsent: [first] }) => this.show(first), () => {});
  }

  show(found) {
    if (!found) return;
    this.found = found;
    document.getElementById("unsent-by").textContent = found.by ? t("unsent", { name: found.by }) : t("unsent.colleague");
    document.getElementById("unsent-text").textContent = found.text;
    document.getElementById("unsent").hidden = false;
  }

  /** Called whenever the box has other words. */
  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const text = this.box.value;
      if (text === this.told) return;
      this.told = text;
      // One after the other: words that were sent meanwhile must not lie there behind those that say so.
      this.before = this.before.then(() => this.post(`/desk/${this.conversation}/draft`, { text })).catch(() => this.told === text && (this.told = null));
    }, TOLD_MS);
  }
}
