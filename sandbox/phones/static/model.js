// What the phones hold, as the sandbox last told it. Bubbles are known by their id: hearing of one twice changes nothing.

/** A chat's id: the business number or the Page that it is with. */
const idOf = (data) => String(data.sender_id ?? data.page_id ?? data.phone_number_id);

class Thread {
  constructor(data) {
    this.bubbles = new Map();
    this.ordered = [];
    this.describe(data);
  }

  describe({ bubbles, ...fields }) {
    this.fields = { ...this.fields, ...fields };
    const { display_phone_number: number, sender_name: name, verified_name: verified, page_username: username } = this.fields;
    this.id = idOf(this.fields);
    this.channel = this.fields.channel ?? "whatsapp";
    this.number = number ?? (username ? `@${username}` : "");
    this.business = name || verified || this.number || this.id;
  }

  /** Whom the sandbox is to be told that words are for. */
  get target() {
    return this.channel === "messenger" ? { page_id: this.id } : { phone_number_id: this.id };
  }

  /** Takes new and changed bubbles; returns those never seen before. */
  put(bubbles) {
    const fresh = bubbles.filter((bubble) => !this.bubbles.has(bubble.id));
    for (const bubble of bubbles) {
      if (bubble.deleted || bubble.removed) this.bubbles.delete(bubble.id);
      else this.bubbles.set(bubble.id, bubble);
    }
    // Sorting is stable, so bubbles of one millisecond keep the order in which we heard of them.
    this.ordered = [...this.bubbles.values()].sort((a, b) => a.at_ms - b.at_ms);
    return fresh;
  }

  replaceAll(bubbles) {
    const fresh = bubbles.filter((bubble) => !this.bubbles.has(bubble.id));
    this.bubbles.clear();
    this.put(bubbles);
    return fresh;
  }

  get lastMs() {
    return this.ordered.at(-1)?.at_ms ?? 0;
  }
}

class Handset {
  constructor(data) {
    this.threads = new Map();
    this.describe(data);
    for (const thread of data.threads ?? []) this.thread(thread).put(thread.bubbles ?? []);
  }

  describe({ threads, ...fields }) {
    this.fields = { ...this.fields, ...fields };
  }

  get address() {
    return String(this.fields.address);
  }

  thread(data) {
    const id = idOf(data);
    const known = this.threads.get(id);
    if (known) known.describe(data);
    else this.threads.set(id, new Thread(data));
    return this.threads.get(id);
  }

  /** The whole phone again: what is no longer on it goes. Returns what is new, as `merge` does. */
  reload(data) {
    this.describe(data);
    const told = new Map((data.threads ?? []).map((thread) => [idOf(thread), thread]));
    for (const id of this.threads.keys()) if (!told.has(id)) this.threads.delete(id);
    return new Map([...told].map(([id, thread]) => [id, this.thread(thread).replaceAll(thread.bubbles ?? [])]));
  }
}

export class Model {
  constructor() {
    this.handsets = new Map();
    this.story = null;
    this.skewMs = 0;
  }

  /** The sandbox's time now: its clock may stand elsewhere than ours, and a story may turn it. */
  nowMs() {
    return Date.now() + this.skewMs;
  }

  setClock(data) {
    if (Number.isFinite(data?.now_ms)) this.skewMs = data.now_ms - Date.now();
    else if (Number.isFinite(data?.offset_ms)) this.skewMs = data.offset_ms;
  }

  /** Everything anew. Returns Map address -> what is new there, as `putHandset` does. */
  load(snapshot) {
    this.setClock(snapshot);
    this.story = snapshot.story ?? null;
    const told = new Set(snapshot.handsets.map((data) => String(data.address)));
    for (const address of this.handsets.keys()) if (!told.has(address)) this.handsets.delete(address);
    return new Map(snapshot.handsets.map((data) => [String(data.address), this.putHandset(data)]));
  }

  /** Returns Map thread id -> bubbles never seen before; empty for a phone met for the first time. */
  putHandset(data) {
    const known = this.handsets.get(String(data.address));
    if (known) return known.reload(data);
    this.handsets.set(String(data.address), new Handset(data));
    return new Map();
  }

  /**
   * A "handset" event. Returns { fresh: Map thread id -> bubbles never seen before }, or null when it speaks of a
   * phone or a sender that we have not met and whose name it does not bring along: a full read tells.
   */
  merge(event) {
    const handset = this.handsets.get(String(event.address));
    if (!handset) return null;
    if (event.handset) handset.describe(event.handset);
    for (const thread of event.threads ?? []) handset.thread(thread);
    const byThread = new Map();
    for (const bubble of event.bubbles ?? []) {
      const id = idOf(bubble);
      if (!handset.threads.has(id)) return null;
      byThread.set(id, [...(byThread.get(id) ?? []), bubble]);
    }
    const fresh = new Map();
    for (const [id, bubbles] of byThread) fresh.set(id, handset.threads.get(id).put(bubbles));
    return { handset, fresh };
  }
}
