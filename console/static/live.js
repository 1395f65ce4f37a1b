// The live connection: numbered patches down. On every connection the page says what it shows and is sent what differs,
// then `caught-up`. A number left out means something was missed: connect again.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;
const SILENCE_MS = 30_000;

export class Live {
  /** versions: () => object of part versions; on: {patch, state(live, why), signedOut, gone} */
  constructor({ conversation, versions, on }) {
    Object.assign(this, { conversation, versions, on });
    this.caughtUp = false;
    this.failures = 0;
    this.source = null;
    this.timer = null;
    addEventListener("online", () => this.hurry());
    addEventListener("offline", () => this.lost("this computer is offline"));
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
    setInterval(() => this.source && Date.now() - this.heard > SILENCE_MS && this.lost("nothing was heard for a while"), 5_000);
  }

  connect() {
    clearTimeout(this.timer);
    this.timer = null;
    this.source?.close();
    const query = new URLSearchParams({ conversation: this.conversation, ...this.versions() });
    const source = new EventSource(`/desk/live?${query}`);
    Object.assign(this, { source, last: 0, heard: Date.now() });
    const listen = (name, action) =>
      source.addEventListener(name, (event) => {
        if (source !== this.source) return;
        this.heard = Date.now();
        action(JSON.parse(event.data || "{}"));
      });
    listen("patch", (patch) => {
      if (patch.n !== this.last + 1) return this.lost("a patch was missed");
      this.last = patch.n;
      this.on.patch(patch);
    });
    listen("caught-up", ({ now }) => {
      this.failures = 0;
      this.caughtUp = true;
      this.on.state(true, "", now);
    });
    listen("beat", ({ now }) => this.on.state(true, "", now));
    listen("gone", () => this.on.gone());
    listen("signed-out", () => this.end());
    source.addEventListener("error", () => source === this.source && this.lost("the connection is broken"));
  }

  /** Signed out: do not try again. */
  end() {
    this.source?.close();
    this.source = null;
    this.caughtUp = false;
    this.on.signedOut();
  }

  lost(why) {
    this.source?.close();
    this.source = null;
    this.caughtUp = false;
    this.on.state(false, why);
    if (this.timer !== null) return;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** this.failures, LONGEST_WAIT_MS);
    this.failures += 1;
    this.timer = setTimeout(() => void this.again(), wait * (0.8 + 0.4 * Math.random()));
  }

  /** An EventSource does not say why it failed: ask, for a session that ended is no broken line. */
  async again() {
    try {
      const response = await fetch("/desk/alive", { signal: AbortSignal.timeout(8_000) });
      if (response.status === 401) return this.end();
    } catch {
      this.timer = null;
      return this.lost("the desk does not answer");
    }
    this.connect();
  }

  hurry() {
    if (this.timer === null) return;
    clearTimeout(this.timer);
    this.failures = 0;
    void this.again();
  }
}
