import { arrange, h, hidden, safeUrl, write } from "./dom.js";
import { icon } from "./icons.js";
import { api } from "./api.js";
import { channelOf } from "./channels.js";
import { Composer } from "./composer.js";
import { face } from "./face.js";
import { sayFile } from "./files.js";
import { chatLink, leadsTo } from "./links.js";
import { openListDialog } from "./list-dialog.js";
import { ThreadView } from "./thread.js";
import { clockTime, languageName, placeOf } from "./time.js";

const TYPING_LASTS_MS = 25_000;
const PAGE_TYPING_LASTS_MS = 20_000;

/** One phone: who holds it, the conversations on it, and what can be done from it. */
export class Phone {
  /** clock: { nowMs() }; onActive: called when somebody works on this phone. */
  constructor(handset, { clock, onActive, alone }) {
    this.handset = handset;
    this.clock = clock;
    this.views = new Map();
    this.unseen = new Map();
    this.current = null;
    this.typingUntil = null;
    this.spoken = false;
    this.shown = true;
    this.build(alone);
    this.node.addEventListener("focusin", onActive);
    this.render(new Map());
  }

  get label() {
    return this.handset.fields.label || this.handset.fields.name || this.handset.address;
  }

  build(alone) {
    const id = `phone-${this.handset.address}`;
    this.title = h("h2", { id, dir: "auto" });
    this.about = h("p", { class: "about" });
    this.power = h("button", { type: "button", class: "power", onclick: () => this.switchPower() });
    const away = `/phones/${encodeURIComponent(this.handset.fields.name || this.handset.address)}`;
    const aloneLink = h("a", { class: "icon-button", href: away, title: "This phone alone" }, icon("alone"), this.aloneWords = hidden(""));
    const owner = h("header", { class: "owner" }, this.title, alone ? null : aloneLink, this.about, this.power);
    this.time = h("time", { class: "status-time" });
    this.status = h("div", { class: "statusbar", "aria-hidden": "true" }, this.time, h("span", { class: "camera" }), h("span", { class: "battery" }, h("i"), h("i"), h("i"), h("b")));
    this.face = h("div", { class: "chat-head" });
    this.chats = h("div", { class: "chats", role: "group", "aria-label": "Conversations", hidden: true });
    this.body = h("div", { class: "chat-body" });
    this.alarmWords = h("span");
    const dismiss = h("button", { type: "button", class: "icon-button", "aria-label": "Dismiss", onclick: () => this.fail(null) }, icon("close"));
    this.alarm = h("div", { class: "alarm", role: "alert" });
    this.alarmInside = [icon("failed"), this.alarmWords, dismiss];
    this.composer = new Composer(this.label, {
      say: (body) => this.say(body),
      file: (file) => this.sendFile(file),
      link: (address) => this.follow(address),
      menu: () => this.openMenu(),
    });
    this.screen = h("div", { class: "screen" }, this.status, this.face, this.chats, this.body, this.alarm, this.composer.node);
    this.node = h("section", { class: "phone", "aria-labelledby": id, "data-address": this.handset.address }, owner, h("div", { class: "device" }, this.screen));
  }

  /** fresh: Map thread id -> bubbles never seen before; empty when everything is drawn from a full read. */
  render(fresh) {
    const { fields, threads } = this.handset;
    write(this.title, this.label);
    write(this.aloneWords, `${this.label} alone`);
    this.tick();
    write(this.power, fields.online === false ? "phone off" : "online");
    this.power.title = fields.online === false ? "Switch this phone on" : "Switch this phone off";
    this.power.setAttribute("aria-pressed", String(fields.online !== false));
    this.node.classList.toggle("offline", fields.online === false);
    for (const id of [...this.views.keys()]) if (!threads.has(id)) this.views.delete(id);
    this.choose(fresh);
    this.renderChats();
    this.renderFace();
    this.renderThread(fresh);
    this.composer.enable(this.thread, channelOf(this.thread).longest);
  }

  /** The conversation in front, or null. */
  get thread() {
    return this.handset.threads.get(this.current) ?? null;
  }

  /** Which conversation is in front: the one with news, unless somebody is at work on this phone. */
  choose(fresh) {
    const { threads } = this.handset;
    const busy = this.node.contains(document.activeElement) || !this.composer.empty;
    const news = [...fresh].filter(([, bubbles]) => bubbles.some((bubble) => bubble.kind !== "sent")).map(([id]) => id);
    if (!threads.has(this.current)) {
      const latest = [...threads.values()].sort((a, b) => b.lastMs - a.lastMs)[0];
      this.current = latest?.id ?? null;
    } else if (news.length && !news.includes(this.current) && !busy) this.current = news.at(-1);
    for (const [id, bubbles] of fresh) {
      if (id !== this.current || !this.shown) this.unseen.set(id, (this.unseen.get(id) ?? 0) + bubbles.filter((bubble) => bubble.kind === "received").length);
    }
    if (this.shown) this.unseen.delete(this.current);
  }

  get unseenCount() {
    return [...this.unseen.values()].reduce((sum, count) => sum + count, 0);
  }

  renderChats() {
    const threads = [...this.handset.threads.values()];
    this.chats.hidden = threads.length < 2;
    if (this.chats.hidden) return;
    this.chips ??= new Map();
    const mixed = new Set(threads.map((thread) => thread.channel)).size > 1;
    const chips = threads.map((thread) => {
      if (!this.chips.has(thread.id)) {
        const words = h("span", { dir: "auto" });
        const count = h("span", { class: "count" });
        const channel = h("span", { class: "chip-channel" }, icon(channelOf(thread).icon), hidden(`${channelOf(thread).name}: `));
        const chip = h("button", { type: "button", class: "chip", onclick: () => this.open(thread.id) }, words, count);
        this.chips.set(thread.id, { chip, channel, words, count });
      }
      const { chip, channel, words, count } = this.chips.get(thread.id);
      arrange(chip, mixed ? [channel, words, count] : [words, count]);
      write(words, thread.business);
      const unseen = this.unseen.get(thread.id) ?? 0;
      write(count, unseen ? String(unseen) : "");
      chip.setAttribute("aria-pressed", String(thread.id === this.current));
      return chip;
    });
    arrange(this.chats, chips);
  }

  renderFace() {
    const { thread } = this;
    const typing = this.isTyping();
    const key = JSON.stringify([thread?.id, thread?.business, thread?.number, thread?.fields.holder, typing, thread?.fields.typing]);
    if (key === this.faceKey) return;
    this.faceKey = key;
    this.screen.dataset.channel = thread?.channel ?? "whatsapp";
    this.face.replaceChildren(...face(thread, typing));
  }

  /** "Typing" is told when it begins; that it is over comes with the message, or is not told at all. */
  isTyping() {
    const typing = this.thread?.channel === "messenger" ? this.thread.fields.typing : this.handset.fields.typing;
    const lasts = this.thread?.channel === "messenger" ? PAGE_TYPING_LASTS_MS : TYPING_LASTS_MS;
    if (!typing || this.typingIn !== this.current) this.typingUntil = null;
    this.typingIn = this.current;
    if (typing) this.typingUntil ??= Date.now() + lasts;
    return this.typingUntil !== null && Date.now() < this.typingUntil;
  }

  renderThread(fresh) {
    const thread = this.handset.threads.get(this.current);
    if (!thread) {
      arrange(this.body, [(this.nothing ??= h("p", { class: "nothing" }, "No business has written yet"))]);
      return;
    }
    let view = this.views.get(this.current);
    if (view?.thread !== thread) {
      view = new ThreadView(thread, this.actions());
      this.views.set(this.current, view);
    }
    arrange(this.body, [view.node]);
    this.drawThread(fresh.get(this.current)?.length ?? 0);
  }

  drawThread(fresh = 0) {
    const { timezone, language } = this.handset.fields;
    const view = this.views.get(this.current);
    view?.render({ zone: timezone, language, now: this.clock.nowMs(), spoken: this.spoken, fresh });
  }

  open(id) {
    this.current = id;
    this.composer.quote(null);
    this.render(new Map());
    this.views.get(id)?.toEnd();
  }

  actions() {
    return {
      redraw: () => this.drawThread(),
      jump: (id) => this.views.get(this.current)?.jump(id),
      press: (bubble, index) => this.say({ button: { bubble: bubble.id, index } }),
      openList: (bubble) => openListDialog(this.screen, bubble, (index) => this.say({ button: { bubble: bubble.id, index } })),
      reply: (bubble) => this.composer.quote(bubble, bubble.kind === "sent" ? "You" : (bubble.persona?.name ?? this.thread.business)),
      react: (bubble, emoji) => this.say({ reaction: { bubble: bubble.id, emoji } }),
      edit: (bubble) => this.composer.edit(bubble),
      quick: (bubble, index) => this.say({ quick_reply: { bubble: bubble.id, index } }),
      begin: (body) => this.say(body),
      link: (address) => this.follow(address),
    };
  }

  /** Say it in the chat in front. True when the sandbox took it; else the reason stands at this phone. */
  async say(body) {
    const { target } = this.thread;
    return this.attempt(() => api.say(this.handset.address, { ...body, ...target }));
  }

  async sendFile(file) {
    const { thread } = this;
    return this.attempt(async () => api.say(this.handset.address, { ...(await sayFile(file, thread)), ...thread.target }));
  }

  /** A link to a chat: the sandbox does what it sets off, and that chat comes to the front with what is prefilled. */
  async follow(address) {
    return this.attempt(async () => {
      const { composer } = await api.say(this.handset.address, { link: address });
      this.handset.reload(await api.handset(this.handset.address)); // a chat that is only open is on no stream yet
      const led = [...this.handset.threads.values()].find((thread) => leadsTo(address, thread));
      this.open(led?.id ?? this.current);
      if (composer) this.composer.write(composer);
      if (composer) this.composer.box.focus();
      else this.views.get(this.current)?.log.focus({ preventScroll: true });
    });
  }

  /** The Page's menu, as the rows of a sheet; what leads away opens, what does not is tapped. */
  openMenu() {
    const items = this.thread.fields.menu ?? [];
    const rows = items.map(({ index, text }) => ({ index, title: text }));
    openListDialog(this.screen, { list: { button: "Menu", sections: [{ rows }] } }, (index) => {
      const url = safeUrl(items.find((item) => item.index === index)?.url);
      if (!url) return this.say({ menu: { index } });
      if (chatLink(url)) return this.follow(url);
      window.open(url, "_blank", "noopener,noreferrer");
      return true;
    });
  }

  async switchPower() {
    const online = this.handset.fields.online === false;
    await this.attempt(async () => {
      const { threads, ...fields } = await api.state(this.handset.address, { online });
      this.handset.describe(fields);
      this.render(new Map());
    });
  }

  async attempt(call) {
    try {
      await call();
      this.fail(null);
      return true;
    } catch (error) {
      this.fail(error.message);
      return false;
    }
  }

  fail(message) {
    write(this.alarmWords, message ?? "");
    arrange(this.alarm, message ? this.alarmInside : []);
  }

  /** The time on the phone, and with the date the names of the days. */
  tick() {
    const { timezone, language } = this.handset.fields;
    const now = this.clock.nowMs();
    const time = clockTime(now, timezone);
    write(this.time, time);
    this.renderFace();
    write(this.about, `${time} ${placeOf(timezone)} · ${languageName(language)}`);
  }

  speak(spoken) {
    if (this.spoken === spoken) return;
    this.spoken = spoken;
    this.views.get(this.current)?.speak(spoken);
  }

  show(shown) {
    this.shown = shown;
    if (shown) {
      this.unseen.delete(this.current);
      this.drawThread();
    }
  }
}
