// The live connection: one WebSocket; numbered patches down, beats and what the agent does up. On every connection the page says
// the last number it has, and is sent what it missed, or `view`: too old, here is everything that differs. Then `caught-up`.
// Where no WebSocket gets through, the same by GET, with the number as the cursor.

import { t } from "./words.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;
const SILENCE_MS = 30_000;
const BEAT_MS = 15_000;
const POLL_MS = 3_000;
const TRIES = 2; // so often a socket may fail without ever having opened, before the page asks by GET instead
const TRY_AGAIN_MS = 60_000;

const tab = Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");

export class Live {
  /** base: whose connection, /desk or /board; more: of the query; versions: () => object of part versions; on: {patch, state(live, why, now), signedOut, locked, gone} */
  constructor({ conversation = "", base = "/desk", more = {}, versions, on }) {
    Object.assign(this, { conversation, base, more, versions, on });
    this.caughtUp = false;
    this.touched = true;
    this.last = -1;
    this.failures = 0;
    this.neverOpened = 0;
    this.pollUntil = 0;
    this.socket = null;
    this.timer = null;
    addEventListener("online", () => this.hurry());
    addEventListener("offline", () => this.lost(t("lost.offline")));
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    addEventListener("pagehide", () => this.drop());
    addEventListener("pageshow", (event) => event.persisted && this.connect());
    setInterval(() => this.beat(), BEAT_MS);
    setInterval(() => this.socket && Date.now() - this.heard > SILENCE_MS && this.lost(t("lost.silent")), 5_000);
  }

  query(more = {}) {
    const { lang } = document.documentElement;
    return new URLSearchParams({ conversation: this.conversation, tab, last: String(Math.max(this.last, 0)), lang, ...this.more, ...this.versions(), ...more });
  }

  connect() {
    clearTimeout(this.timer);
    this.timer = null;
    this.drop();
    if (Date.now() < this.pollUntil) return void this.poll();
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${this.base}/live?${this.query()}`);
    Object.assign(this, { socket, heard: Date.now(), opened: false });
    socket.addEventListener("open", () => {
      if (socket !== this.socket) return;
      this.opened = true;
      this.neverOpened = 0;
      this.beat();
      this.say({ t: "read" });
    });
    socket.addEventListener("message", (event) => socket === this.socket && this.hear(JSON.parse(event.data)));
    socket.addEventListener("close", () => {
      if (socket !== this.socket) return;
      if (!this.opened && (this.neverOpened += 1) >= TRIES && navigator.onLine) {
        this.pollUntil = Date.now() + TRY_AGAIN_MS;
        this.neverOpened = 0;
      }
      this.lost(t("lost.broken"));
    });
  }

  hear(said) {
    this.heard = Date.now();
    if (said.t === "patch") return this.patched(said);
    if (said.t === "view") this.last = 0;
    else if (said.t === "caught-up") this.isCaughtUp(said.now);
    else if (said.t === "beat") this.on.state(true, "", said.now);
    else if (said.t === "gone") this.on.gone();
    else if (said.t === "signed-out") this.end();
    else if (said.t === "locked") this.on.locked();
    return undefined;
  }

  /** A patch that the page has already is dropped; one that comes too early means that something was missed. */
  patched(patch) {
    if (patch.n <= this.last) return undefined;
    if (patch.n !== Math.max(this.last, 0) + 1) return this.lost(t("lost.missed"));
    this.last = patch.n;
    return this.on.patch(patch);
  }

  isCaughtUp(now) {
    this.failures = 0;
    this.caughtUp = true;
    this.on.state(true, "", now);
  }

  async poll() {
    const touched = this.touched ? "yes" : "no";
    this.touched = false;
    try {
      const response = await fetch(`${this.base}/parts?${this.query({ touched })}`, { signal: AbortSignal.timeout(10_000) });
      if (response.status === 401) return this.end();
      if (response.status === 423) return this.on.locked();
      if (!response.ok) return this.lost(t("lost.silence"));
      const answer = await response.json();
      if (answer.view) this.last = 0;
      for (const patch of answer.patches) this.patched(patch);
      if (answer.gone) this.on.gone();
      this.isCaughtUp(answer.now);
    } catch {
      return this.lost(t("lost.silence"));
    }
    this.timer = setTimeout(() => this.connect(), POLL_MS);
    return undefined;
  }

  say(words) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(words));
  }

  beat() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.say({ t: "beat", touched: this.touched });
    if (!document.hidden) this.say({ t: "read" });
    this.touched = false;
  }

  drop() {
    const { socket } = this;
    this.socket = null;
    socket?.close();
  }

  /** Signed out: do not try again. */
  end() {
    this.drop();
    clearTimeout(this.timer);
    this.caughtUp = false;
    this.on.signedOut();
  }

  lost(why) {
    this.drop();
    this.caughtUp = false;
    this.on.state(false, why);
    if (this.timer !== null && Date.now() >= this.pollUntil) return;
    clearTimeout(this.timer);
    const wait = Math.min(FIRST_WAIT_MS * 2 ** this.failures, LONGEST_WAIT_MS);
    this.failures += 1;
    this.timer = setTimeout(() => void this.again(), wait * (0.8 + 0.4 * Math.random()));
  }

  /** A socket does not say why it failed: ask, for a session that ended is no broken line. */
  async again() {
    try {
      const response = await fetch("/desk/alive", { signal: AbortSignal.timeout(8_000) });
      if (response.status === 401) return this.end();
      if (response.status === 423) return this.on.locked();
    } catch {
      this.timer = null;
      return this.lost(t("lost.silence"));
    }
    return this.connect();
  }

  hurry() {
    if (this.timer === null || this.caughtUp) return;
    clearTimeout(this.timer);
    this.failures = 0;
    void this.again();
  }
}
