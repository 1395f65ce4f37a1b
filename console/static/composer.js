// The box to answer in. It is never patched: what the agent types is theirs. What the rest of the page knows (whose the
// conversation is, whether the window is open, whether we are connected) only decides whether send may go, and says why not.

import { Attaching } from "./attaching.js";
import { CannedAnswers } from "./canned.js";
import { age, left, moment } from "./clock.js";
import { get, post } from "./commands.js";
import { keep, own } from "./own.js";
import { t } from "./words.js";
import { keepDraft, afterSending, newKey, onChanged, readDraft, Unsent } from "./drafts.js";
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
    this.waiting = null;
    this.saved = { reply: this.draft.reply.text, note: this.draft.note.text };
    this.theirs = new Set();
    for (const mode of ["reply", "note"]) {
      this.text[mode].value = this.draft[mode].text;
      this.text[mode].addEventListener("input", () => this.typed(mode));
      keepCaret(this.text[mode]);
      byId(mode).addEventListener("submit", (event) => {
        event.preventDefault();
        void (mode === "reply" ? this.send() : this.keepNote());
      });
      byId(`tab-${mode}`).addEventListener("click", () => this.show(mode, "text"));
      onChanged(conversation, mode, (draft) => this.elsewhere(mode, draft));
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
      say: (words, tone) => this.say(words, tone),
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
    // It was said that these words go out by themselves: that holds only while the page is there.
    addEventListener("beforeunload", (event) => this.waiting && event.preventDefault());
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
    this.saved = { reply: this.draft.reply.text, note: this.draft.note.text };
    const ok = ["reply", "note"].map((mode) => keepDraft(this.conversation, mode, this.draft[mode])).every(Boolean);
    const any = this.draft.reply.text || this.draft.reply.file || this.draft.note.text;
    this.kept(!ok ? t("draft.failed") : any ? t("draft.kept") : "");
  }

  /** Another tab of theirs wrote, sent or forgot this draft: here it is the same, unless other words stand here that are not kept yet. */
  elsewhere(mode, draft) {
    const box = this.text[mode];
    if (this.busy || box.value !== this.saved[mode]) return;
    const { selectionStart, selectionEnd } = box;
    if (draft.key && draft.key !== this.draft[mode].key) this.theirs.add(draft.key);
    this.draft[mode] = draft;
    this.saved[mode] = draft.text;
    if (box.value !== draft.text) {
      box.value = draft.text;
      box.setSelectionRange(selectionStart, selectionEnd);
    }
    this.beside();
    this.update();
  }

  /** Signed out: from here on nothing is kept on this computer. */
  forget() {
    this.forgotten = true;
    this.waiting = null;
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
    if (facts.mine && this.mine === false) this.unsent.look();
    this.mine = facts.mine;
    const invitation = facts.speaksAs ? t("write.as", { name: facts.speaksAs }) : t("write");
    if (this.text.reply.placeholder !== invitation) this.text.reply.placeholder = invitation;
    const isShut = Boolean(facts.mine && facts.mayReply && !facts.resolved && !left(facts.closes).ms);
    if (this.shut.shut && !isShut && this.draft.reply.text) this.say(t("opened"), "wait");
    this.shut.update(isShut, this.box.dataset.mode === "reply");
    const shown = why ?? this.warning(facts) ?? { words: this.waiting ? t("waits") : "", tone: "" };
    if (node.textContent !== shown.words) node.textContent = shown.words;
    node.dataset.tone = shown.tone;
    // Not `disabled`: a button that vanishes from the tab order under a finger cannot say why.
    byId("reply-send").setAttribute("aria-disabled", String(Boolean(why) || this.busy));
    const length = this.text.reply.value.length;
    byId("reply-length").textContent = length > facts.textMax - 400 ? `${length} / ${facts.textMax}` : "";
  }

  /** pressed: the words that stood there when send was pressed, whose the conversation was and how often they had written. These go,
   *  and none that were typed since. */
  async send(pressed = { text: this.text.reply.value, epoch: this.facts().epoch, inbound: this.facts().inbound }) {
    if (this.busy) return this.say(t("sending"), "wait");
    const text = pressed.text.trim();
    const file = this.draft.reply.file;
    if (this.attaching.busy) return this.say(t("checking"), "wait");
    if (!text && !file) return this.say(t("empty"), "wait");
    const why = this.why();
    if (why) return this.say(why.words);
    if (!this.live.caughtUp) {
      this.waiting = pressed;
      this.say(t("cut_off"), "wait");
      return this.update();
    }
    const draft = this.draft.reply;
    draft.text = this.text.reply.value;
    draft.key ||= newKey();
    const went = { ...draft, ...pressed, went: undefined };
    draft.went ??= went;
    const quote = draft.quote && byId(draft.quote) ? draft.quote.replace(/^e-/, "") : "";
    this.save();
    await this.run("reply", went, () => post(`/desk/${this.conversation}/reply`, { text, epoch: this.facts().epoch, ...(quote && { quote }), ...(file && { file: file.file }), ...(draft.instead && { instead: draft.instead }) }, draft.key));
  }

  async keepNote() {
    const text = this.text.note.value.trim();
    if (!text) return;
    if (this.busy) return this.say(t("sending"), "wait");
    const draft = this.draft.note;
    draft.text = this.text.note.value;
    draft.key ||= newKey();
    const went = { ...draft, went: undefined };
    draft.went ??= went;
    this.save();
    await this.run("note", went, () => post(`/desk/${this.conversation}/note`, { text }, draft.key));
  }

  /** went: what was pressed, as the draft was then. What is typed while it is under way stays a draft. */
  async run(mode, went, action) {
    this.busy = true;
    this.waiting = null;
    this.say("");
    this.update();
    try {
      const answer = await action();
      this.sent(mode, went);
      this.onSent(answer);
    } catch (error) {
      // Under this key other words went before, and their answer was lost: those are gone from the box.
      if (error.code === "key_reused") this.sent(mode, this.draft[mode].went);
      else if (error.status && error.status < 500) delete this.draft[mode].went;
      if (error.status === 401) this.live.end();
      this.say(error.message, error.status === 0 ? "wait" : "bad");
      this.save();
    } finally {
      this.busy = false;
      this.update();
    }
  }

  /** It went: out of the box go the words that went, and no others. The box of notes stays open: the next key is not for the customer. */
  sent(mode, went) {
    const done = !this.theirs.has(this.draft[mode].key) && went.follows;
    this.draft[mode] = afterSending(this.draft[mode], went, this.text[mode]);
    this.save();
    this.beside();
    if (done) this.follow(done, went.inbound);
    if (mode === "reply") this.unsent.later();
  }

  /** What stands beside the words. */
  beside() {
    this.showQuote();
    this.showInstead();
    this.showFollows();
    this.attaching.show();
  }

  /** A line of the thread with this draft's key: it went out, though its answer may have been lost. */
  saw(key) {
    for (const mode of ["reply", "note"]) {
      if (!this.busy && key && this.draft[mode].key === key) {
        this.sent(mode, this.draft[mode].went ?? this.draft[mode]);
        this.say("");
      }
    }
  }

  /** Connected again: what waited goes out now, if it still may. */
  caughtUp() {
    const pressed = this.waiting;
    this.waiting = null;
    if (!pressed) return;
    // It changed hands and came back meanwhile, or other words stand there: whoever wrote these looks once more before they go.
    if (this.facts().mine && this.facts().epoch !== pressed.epoch) return void this.say(t("changed_hands"));
    if (!this.text.reply.value.startsWith(pressed.text)) return void this.say(t("changed_words"));
    void this.send(pressed);
  }
}
