// Server-Sent Events with two ways back: the browser's own (it sends Last-Event-ID), and ours when it has given up
// (an answer that was no stream, such as a proxy's 502): load everything again, then follow from that cursor.

const EVENTS = ["handset", "page", "story", "clock", "reset"];
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 8_000;

export class Stream {
  /** load: async () => cursor; onEvent: (name, data); onState: "live" | "reconnecting". */
  constructor({ load, onEvent, onState }) {
    Object.assign(this, { load, onEvent, onState });
    this.source = null;
    this.timer = null;
    this.failures = 0;
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  async start() {
    this.timer = null;
    try {
      this.follow(await this.load());
    } catch (error) {
      this.onState("reconnecting", error.message);
      this.again();
    }
  }

  follow(cursor) {
    this.source?.close();
    const source = new EventSource(`/sandbox/stream?since=${encodeURIComponent(cursor)}`);
    this.source = source;
    source.addEventListener("open", () => {
      this.failures = 0;
      this.onState("live");
    });
    source.addEventListener("error", () => {
      if (source !== this.source) return;
      this.onState("reconnecting", "The connection to the sandbox is broken.");
      if (source.readyState === EventSource.CLOSED) this.again();
    });
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => {
        let data;
        try {
          data = JSON.parse(event.data || "null");
        } catch {
          data = null;
        }
        this.onEvent(name, data);
      });
    }
  }

  again() {
    if (this.timer !== null) return;
    const wait = Math.min(FIRST_RETRY_MS * 2 ** this.failures, LONGEST_RETRY_MS);
    this.failures += 1;
    this.timer = setTimeout(() => this.start(), wait * (0.8 + 0.4 * Math.random()));
  }

  /** Somebody is looking again, or the network is back: do not sit out the wait. */
  hurry() {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.failures = 0;
    void this.start();
  }
}
