// The dialogs of the open conversation: park, finish with a reason, pass on, ask. Each form's fields are the command's; what the server
// refuses is said in the dialog, and what was written there stays.

import { now } from "./clock.js";
import { t } from "./words.js";

const MINUTE = 60_000;
const byId = (id) => document.getElementById(id);

/** Tomorrow at nine, in the agent's own zone. */
function tomorrow() {
  const day = new Date(now());
  day.setDate(day.getDate() + 1);
  day.setHours(9, 0, 0, 0);
  return day.getTime();
}

/** chosen: "tomorrow", or how many minutes from now; in ms since 1970 */
export const parkedUntil = (chosen) => Math.round(chosen === "tomorrow" ? tomorrow() : now() + Number(chosen) * MINUTE);

function until(data) {
  const chosen = data.get("in");
  return chosen === "at" ? new Date(data.get("at")).getTime() || 0 : parkedUntil(chosen);
}

const BODIES = {
  park: (data) => ({ until: Math.round(until(data)) }),
  consult: (data) => ({ to: data.get("to"), note: data.get("note"), until: Math.round(until(data)) }),
  finish: (data) => (data.get("reason") ? { reason: data.get("reason") } : {}),
};

export class Doing {
  /** run: (command, body) => a promise of "" when it was done, else why not; state: () => of the conversation; inbound: () => how
   *  often they had written, as the page shows it */
  constructor({ run, state, inbound }) {
    Object.assign(this, { run, state, inbound, busy: false });
    this.reasons = [...document.querySelectorAll("#reasons li")];
    for (const form of document.querySelectorAll("form[data-do]")) {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        void this.submit(form);
      });
      form.querySelector("[data-close]").addEventListener("click", () => form.closest("dialog").close());
    }
    const find = document.querySelector('#do-finish [name="find"]');
    find?.addEventListener("input", () => this.narrow(find.value));
    find?.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.choose(this.at + step);
    });
    byId("do-finish")?.addEventListener("click", (event) => {
      const proposed = event.target.closest("[data-propose]");
      if (!proposed) return;
      find.value = "";
      this.narrow("");
      this.choose(this.reasons.findIndex((one) => one.dataset.value === proposed.dataset.propose));
      find.focus();
    });
    byId("reasons")?.addEventListener("click", (event) => {
      const at = this.shown().indexOf(event.target.closest("li"));
      if (at >= 0) this.choose(at);
    });
    document.querySelector('#do-park [name="at"]')?.addEventListener("input", (event) => {
      event.target.closest("label").querySelector('[type="radio"]').checked = true;
    });
  }

  has(name) {
    return Boolean(byId(`do-${name}`)) && (name !== "finish" || this.reasons.length > 0);
  }

  /** inbound: how often they had written when this was decided. What they write behind the dialog nobody has read. */
  open(name, inbound = this.inbound()) {
    this.seen = inbound;
    const dialog = byId(`do-${name}`);
    dialog.querySelector(".said").textContent = "";
    if (name === "finish") {
      dialog.querySelector('[name="find"]').value = "";
      this.narrow("");
    }
    dialog.showModal();
    (dialog.querySelector("[name=find], textarea, select, input") ?? dialog).focus();
  }

  shown() {
    return this.reasons.filter((one) => !one.hidden);
  }

  /** Three letters are a reason's own; anything else is looked for in its name. Nothing is chosen until something was typed. */
  narrow(typed) {
    const wanted = typed.trim().toLowerCase();
    const own = this.reasons.filter((one) => one.dataset.short === wanted);
    for (const one of this.reasons) one.hidden = own.length ? !own.includes(one) : !one.textContent.toLowerCase().includes(wanted);
    if (wanted) this.choose(0);
    else this.choose(-1);
  }

  choose(at) {
    const shown = this.shown();
    this.at = shown.length && at >= 0 ? at % shown.length : -1;
    for (const one of this.reasons) one.setAttribute("aria-selected", String(one === shown[this.at]));
    document.querySelector('#do-finish [name="reason"]').value = shown[this.at]?.dataset.value ?? "";
    document.querySelector('#do-finish [name="find"]').setAttribute("aria-activedescendant", shown[this.at]?.id ?? "");
    shown[this.at]?.scrollIntoView({ block: "nearest" });
  }

  async submit(form) {
    if (this.busy) return;
    const name = form.dataset.do;
    const data = new FormData(form);
    const body = BODIES[name]?.(data) ?? Object.fromEntries([...data].filter(([, value]) => value));
    // In wrap-up the contact has gone already: all that is due is the reason.
    const command = name === "finish" && this.state() === "wrapup" ? "tag" : name;
    if (["finish", "park"].includes(command)) body.inbound = this.seen;
    this.busy = true;
    const refused = await this.run(command, body).finally(() => (this.busy = false));
    form.querySelector(".said").textContent = refused;
    if (refused) return;
    form.closest("dialog").close();
    form.reset();
  }

  /** Reason 1 to 9, said during the chat: then finishing asks for none. */
  async tag(digit) {
    const one = this.reasons[digit - 1];
    if (!one) return "";
    return (await this.run("tag", { reason: one.dataset.value })) || t("reason", { name: one.lastChild.textContent.trim() });
  }
}
