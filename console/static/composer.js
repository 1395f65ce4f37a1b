// The box to answer in. It is never patched: what the agent types is theirs. What the rest of the page knows (whose the
// conversation is, whether the window is open, whether we are connected) only decides whether send may go, and says why not.

import { Attaching } from "./attaching.js";
import { CannedAnswers } from "./canned.js";
import { age, left, moment } from "./clock.js";
import { get, post } from "./commands.js";
import { keep, own } from "./own.js";
import { t } from "./words.js";
import { keepDraft, newKey, readDraft, Unsent } from "./drafts.js";
import { Shut } from "./templates.js";

const byId = (id) => document.getElementById(id);
const SAVE_MS = 250;

/** A dialog that closes gives the focus back to a box and its caret to the beginning: it goes where it was. A click sets its own. */
function keepCaret(box) {
  let at = [0, 0];
  box.addEventListener("blur", () => (at = [box.selectionStart, box.selectionEnd]));
  box.addEventListener("focus", () => box.selectionEnd === 0 && box.setSelectionRange(...at));
}

export class Composer {
  /** facts: () => what the head shows; live: the connection; follow: does what a macro says to do once it was sent */
  constructor({ conversation, facts, live, onSent, follow }) {
    Object.assign(this, { conversation, facts, live, onSent, follow });
    this.box = byId("composer");
    this.text = { reply: byId("reply-text"), note: byId("note-text") };
    this.draft = { reply: readDraft(conversation, "reply"), note: readDraft(conversation, "note") };
    this.busy = false;
    this.waiting = false;
    for (const mode of ["reply", "note"]) {
      this.text[mode].value = this.draft[mode].text;
      this.text[mode].addEventListener("input", () => this.typed(mode));
      keepCaret(this.text[mode]);
      byId(mode).addEventListener("submit", (event) => {
        event.preventDefault();
        void (mode === "reply" ? this.send() : this.keepNote());
      });
      byId(`tab-${mode}`).addEventListener("click", () => this.show(mode, "text"));
    }
    byId("quoting-off").addEventListener("click", () => {
      this.unquote();
      this.text.reply.focus();
    });
    byId("instead-off").addEventListener("click", () => {
      delete this.draft.reply.instead;
      this.save();
      this.showInstead();
      this.text.reply.focus();
    });
    byId("follows-off").addEventListener("click", () => {
      this.macro(null);
      this.text.reply.focus();
    });
    this.showFollows();
    this.showQuote();
    this.showInstead();
    this.attaching = new Attaching({
      conversation,
      draft: () => this.draft.reply,
      changed: () => (this.save(), this.update()),
      say: (words) => this.say(words),
    });
    this.unsent = new Unsent({ conversation, box: this.text.reply, changed: () => this.typed("reply"), get, post });
    this.canned = new CannedAnswers({ conversation, changed: (follows) => this.macro(follows), shown: () => this.show("reply", "text") });
    this.shut = new Shut({ conversation, facts, sent: onSent, say: (words, tone) => this.say(words, tone) });
    this.box.querySelector(".modes").addEventListener("keydown", (event) => {
      if (["ArrowLeft", "ArrowRight"].includes(event.key)) this.show(this.box.dataset.mode === "reply" ? "note" : "reply", "tab");
    });
    this.text.reply.addEventListener("keydown", (event) => this.key(event));
    this.text.note.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.ctrlKey && event.shiftKey) {
        event.preventDefault();
        void this.keepNote();
      }
    });
    byId("choose-key")?.addEventListener("click", async ({ target }) => {
      if (!target.dataset.sendKey) return;
      try {
        await keep({ send_key: target.dataset.sendKey });
      } catch (error) {
        return void this.say(error.message);
      }
      byId("plain-enter").checked = own.send_key === "enter";
      byId("choose-key").remove();
      this.text.reply.focus();
    });
    addEventListener("pagehide", () => this.save());
    new ResizeObserver(() => this.box.parentElement.style.setProperty("--composer-height", `${this.box.offsetHeight}px`)).observe(this.box);
    if (this.draft.reply.text) this.kept(t("draft.before"));
    this.update();
  }

  key(event) {
    if (event.key !== "Enter" || event.isComposing || event.shiftKey || event.altKey) return;
    if (event.ctrlKey || event.metaKey || own.send_key === "enter") {
      event.preventDefault();
      void this.send();
    }
  }

  /** Show one of the two boxes. focus: "text", "tab", or "" to leave it where the agent has gone meanwhile. */
  show(mode, focus) {
    this.box.dataset.mode = mode;
    for (const one of ["reply", "note"]) {
      byId(one).hidden = one !== mode;
      byId(`tab-${one}`).setAttribute("aria-selected", String(one === mode));
      byId(`tab-${one}`).tabIndex = one === mode ? 0 : -1;
    }
    this.say("");
    if (focus) (focus === "text" ? this.text[mode] : byId(`tab-${mode}`)).focus();
  }

  /** Quote a line of theirs in the reply. line: its id on the page; the draft keeps it. */
  quote(line) {
    this.draft.reply.quote = line;
    this.save();
    this.show("reply", "text");
    this.showQuote();
  }

  unquote() {
    delete this.draft.reply.quote;
    this.save();
    this.showQuote();
  }

  showQuote() {
    const line = this.draft.reply.quote && byId(this.draft.reply.quote);
    byId("quoting").hidden = !line;
    if (!line) return;
    byId("quoting-who").textContent = line.querySelector(".who").textContent;
    byId("quoting-text").textContent = (line.querySelector(".bubble .text, .media bdi, .label")?.textContent ?? "").slice(0, 200);
  }

  /** Other words, or another file, in place of a message of ours that did not arrive; its words are there to begin with. */
  instead(message, text) {
    const box = this.text.reply;
    if (text && !box.value.includes(text)) box.value = box.value ? `${box.value}\n${text}` : text;
    this.draft.reply.instead = message;
    this.show("reply", "text");
    this.typed("reply");
    this.showInstead();
  }

  /** What follows once the reply was sent, and shows until then; null: nothing. */
  macro(follows) {
    if (follows === null) delete this.draft.reply.follows;
    else if (follows) this.draft.reply.follows = follows;
    this.typed("reply");
    this.showFollows();
  }

  showFollows() {
    const one = this.draft.reply.follows;
    byId("follows").hidden = !one;
    if (!one) return;
    const reason = document.querySelector(`#reasons [data-value="${CSS.escape(one.reason)}"]`)?.lastChild.textContent.trim() ?? "";
    byId("follows-what").textContent = one.then === "park" ? t("follows_park", { age: age(one.minutes * 60_000) }) : t("follows_finish", { reason: reason && `(${reason})` }).trim();
  }

  showInstead() {
    const message = this.draft.reply.instead;
    const line = message && document.querySelector(`#lines [data-instead][data-message="${message}"]`)?.closest(".line");
    byId("instead").hidden = !message;
    byId("instead-text").textContent = line?.querySelector(".text")?.textContent.slice(0, 120) ?? "";
  }

  typed(mode) {
    this.draft[mode].text = this.text[mode].value;
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.save(), SAVE_MS);
    if (mode === "reply") this.unsent.later();
    this.say("");
    this.update();
  }

  save() {
    clearTimeout(this.saving);
    if (this.forgotten) return;
    const ok = ["reply", "note"].map((mode) => keepDraft(this.conversation, mode, this.draft[mode])).every(Boolean);
    const any = this.draft.reply.text || this.draft.reply.file || this.draft.note.text;
    this.kept(!ok ? t("draft.failed") : any ? t("draft.kept") : "");
  }

  /** Signed out: from here on nothing is kept on this computer. */
  forget() {
    this.forgotten = true;
  }

  kept(words) {
    byId("kept").textContent = words;
  }

  say(words, tone = "bad") {
    const node = byId("said");
    node.dataset.tone = tone;
    if (node.textContent !== words) node.textContent = words;
  }

  /** Why send may not go now; "" when it may. */
  why() {
    const facts = this.facts();
    if (facts.resolved) return { words: t("why.resolved"), tone: "" };
    if (!facts.mayReply) return { words: t("why.reads"), tone: "" };
    if (!facts.mine) return { words: facts.owner ? t("why.owner", { name: facts.owner }) : t("why.take"), tone: "" };
    if (!left(facts.closes).ms) {
      return { words: t("why.shut"), tone: "red" };
    }
    if (this.text.reply.value.length > facts.textMax) return { words: t("why.long", { n: facts.textMax }), tone: "red" };
    return null;
  }

  /** What is about to close, or what may still be said after the window did; null while there is time. */
  warning(facts) {
    const window = left(facts.window);
    const last = left(facts.closes);
    if (facts.closes === facts.window || !window.ms) {
      if (["amber", "red"].includes(last.tone)) return { words: t(facts.closes === facts.window ? "warn.window" : "warn.person", { left: last.words }), tone: last.tone };
      if (!window.ms) return { words: t("warn.until", { time: moment(facts.closes) }), tone: "" };
    }
    return null;
  }

  /** Called whenever something it depends on may have changed, and every second. */
  update() {
    const why = this.why();
    const node = byId("reply-why");
    const facts = this.facts();
    const invitation = facts.speaksAs ? t("write.as", { name: facts.speaksAs }) : t("write");
    if (this.text.reply.placeholder !== invitation) this.text.reply.placeholder = invitation;
    const isShut = Boolean(facts.mine && facts.mayReply && !facts.resolved && !left(facts.closes).ms);
    if (this.shut.shown && !this.shut.instead && !isShut && this.draft.reply.text) this.say(t("opened"), "wait");
    this.shut.update((isShut || this.shut.instead) && this.box.dataset.mode === "reply");
    const shown = why ?? this.warning(facts) ?? { words: this.waiting ? t("waits") : "", tone: "" };
    if (node.textContent !== shown.words) node.textContent = shown.words;
    node.dataset.tone = shown.tone;
    // Not `disabled`: a button that vanishes from the tab order under a finger cannot say why.
    byId("reply-send").setAttribute("aria-disabled", String(Boolean(why) || this.busy));
    const length = this.text.reply.value.length;
    byId("reply-length").textContent = length > facts.textMax - 400 ? `${length} / ${facts.textMax}` : "";
  }

  async send() {
    if (this.busy) return;
    const text = this.text.reply.value.trim();
    const file = this.draft.reply.file;
    if (this.attaching.busy) return this.say(t("checking"), "wait");
    if (!text && !file) return this.say(t("empty"), "wait");
    const why = this.why();
    if (why) return this.say(why.words);
    if (!this.live.caughtUp) {
      this.waiting = true;
      this.waitsUnder = this.facts().epoch;
      this.say(t("cut_off"), "wait");
      return this.update();
    }
    const draft = this.draft.reply;
    draft.text = this.text.reply.value;
    draft.key ||= newKey();
    const quote = draft.quote && byId(draft.quote) ? draft.quote.replace(/^e-/, "") : "";
    this.save();
    await this.run("reply", () => post(`/desk/${this.conversation}/reply`, { text, epoch: this.facts().epoch, ...(quote && { quote }), ...(file && { file: file.file }), ...(draft.instead && { instead: draft.instead }) }, draft.key));
  }

  async keepNote() {
    const text = this.text.note.value.trim();
    if (this.busy || !text) return;
    const draft = this.draft.note;
    draft.key ||= newKey();
    this.save();
    await this.run("note", () => post(`/desk/${this.conversation}/note`, { text }, draft.key));
  }

  async run(mode, action) {
    this.busy = true;
    this.waiting = false;
    this.text[mode].readOnly = true;
    this.say("");
    this.update();
    try {
      const answer = await action();
      this.sent(mode);
      this.onSent(answer);
    } catch (error) {
      if (error.code === "key_reused") this.draft[mode].key = "";
      if (error.status === 401) this.live.end();
      this.say(error.message, error.status === 0 ? "wait" : "bad");
      this.save();
    } finally {
      this.busy = false;
      this.text[mode].readOnly = false;
      this.update();
    }
  }

  sent(mode) {
    const { follows } = this.draft[mode];
    this.draft[mode] = { text: "", key: "" };
    this.text[mode].value = "";
    this.save();
    this.showQuote();
    this.showInstead();
    this.showFollows();
    if (follows) this.follow(follows);
    this.attaching.show();
    if (mode === "reply") this.unsent.later();
    if (mode === "note") this.show("reply", this.box.contains(document.activeElement) ? "text" : "");
  }

  /** A line of the thread with this draft's key: it went out, though its answer may have been lost. */
  saw(key) {
    for (const mode of ["reply", "note"]) {
      if (!this.busy && key && this.draft[mode].key === key) {
        this.sent(mode);
        this.say("");
      }
    }
  }

  /** Connected again: what waited goes out now, if it still may. */
  caughtUp() {
    if (!this.waiting) return;
    this.waiting = false;
    // It changed hands and came back meanwhile: whoever wrote these words looks once more before they go.
    if (this.facts().mine && this.facts().epoch !== this.waitsUnder) return void this.say(t("changed_hands"));
    void this.send();
  }
}
