// Everything by keyboard. A leader (Ctrl+.) then one letter; nothing on Alt, Option or AltGr, which type accents.

import { keep, own } from "./own.js";
import { t } from "./words.js";

const HINT_MS = 700;
const PANES = ["lists", "thread", "composer", "card"];
const byId = (id) => document.getElementById(id);

export class Keys {
  /** actions: name -> function; a name stands in the sheet with the letter that does it; digits: what 1 to 9 do */
  constructor(actions, digits) {
    Object.assign(this, { actions, digits });
    this.armed = false;
    this.dialog = byId("keys");
    this.letters = new Map();
    this.remap();
    const box = (id, name) => {
      byId(id).checked = localStorage.getItem(name) === "yes";
      byId(id).addEventListener("change", () => localStorage.setItem(name, byId(id).checked ? "yes" : "no"));
    };
    box("keys-off", "desk:keys-off");
    byId("plain-enter").checked = own.send_key === "enter";
    byId("plain-enter").addEventListener("change", async ({ target }) => {
      await keep({ send_key: target.checked ? "enter" : "ctrl_enter" }).catch(() => undefined);
      target.checked = own.send_key === "enter";
      byId("choose-key")?.remove();
    });
    byId("own-locale").addEventListener("change", ({ target }) =>
      keep({ locale: target.value }).then(() => location.reload(), () => (target.value = own.locale)),
    );
    box("sound", "desk:sound");
    byId("open-keys").addEventListener("click", () => this.dialog.showModal());
    document.addEventListener("keydown", (event) => this.pressed(event), true);
    addEventListener("blur", () => this.disarm());
    // Who went on by hand means no letter: else the first one of their next words would be a command.
    addEventListener("pointerdown", () => this.disarm(), true);
    this.dialog.addEventListener("close", () => this.disarm());
  }

  /** Letter by letter, as the agent chose them; two commands never share one. */
  remap() {
    for (const field of document.querySelectorAll("input.key")) {
      const name = field.dataset.key;
      if (own.keys[name]) field.value = own.keys[name].toUpperCase();
      this.letters.set(name, field.value.toLowerCase());
      field.addEventListener("input", () => {
        const letter = field.value.toLowerCase();
        const taken = [...this.letters].some(([other, theirs]) => other !== name && theirs === letter);
        if (!/^[a-z]$/.test(letter) || taken) field.value = this.letters.get(name).toUpperCase();
        else {
          const before = this.letters.get(name);
          this.letters.set(name, letter);
          keep({ keys: Object.fromEntries(this.letters) }).catch(() => {
            this.letters.set(name, before);
            field.value = before.toUpperCase();
          });
        }
        field.select();
      });
      field.addEventListener("focus", () => field.select());
    }
  }

  pressed(event) {
    const held = event.altKey || event.metaKey;
    if (event.key === "F6" && !held && !event.ctrlKey) return this.nextPane(event);
    if (event.key === "Escape" && !this.dialog.open) return this.disarm();
    if (event.isComposing || document.querySelector("dialog:modal:not(#keys)")) return undefined;
    if (localStorage.getItem("desk:keys-off") === "yes") return undefined;
    const control = event.ctrlKey && !held;
    // With Shift too: on Belgian and French keyboards the full stop is above the semicolon.
    if (control && event.key === ".") {
      event.preventDefault();
      this.armed = true;
      clearTimeout(this.hint);
      // Who hesitates is shown the list; the letter still counts.
      this.hint = setTimeout(() => this.armed && !this.dialog.open && this.dialog.showModal(), HINT_MS);
      return undefined;
    }
    if (control && !event.shiftKey && event.key === "k") {
      event.preventDefault();
      this.actions.palette();
      return undefined;
    }
    if (!this.armed || ["Control", "Shift", "Meta", "Alt", "AltGraph"].includes(event.key)) return undefined;
    this.disarm();
    const bare = !event.ctrlKey && !event.metaKey && !event.altKey && !event.getModifierState("AltGraph");
    const name = [...this.letters].find(([, letter]) => letter === event.key.toLowerCase())?.[0];
    const digit = /^[1-9]$/.test(event.key) && this.digits;
    const action = bare && (digit ? () => this.digits(Number(event.key)) : this.actions[name]);
    if (action) {
      event.preventDefault();
      event.stopPropagation();
      if (this.dialog.open) this.dialog.close();
      action();
    }
    return undefined;
  }

  disarm() {
    this.armed = false;
    clearTimeout(this.hint);
  }

  nextPane(event) {
    event.preventDefault();
    const panes = PANES.map(byId).filter((pane) => pane && pane.offsetParent !== null);
    if (!panes.length) return;
    const here = panes.findIndex((pane) => pane.contains(document.activeElement));
    const step = event.shiftKey ? panes.length - 1 : 1;
    const pane = panes[(Math.max(here, event.shiftKey ? 0 : -1) + step) % panes.length];
    const inside = {
      lists: () => pane.querySelector("[aria-current]") ?? pane.querySelector(".row"),
      composer: () => [...pane.querySelectorAll("textarea")].find((text) => text.offsetParent !== null),
    }[pane.id]?.();
    (inside ?? pane).focus();
  }
}

/** Find a conversation on the lists, or a command by its name. commands: () => [{words, run}]; more: (typed) => such, at the end;
 *  ready: a promise of whatever commands() needs, asked for when it is opened */
export class Palette {
  constructor(commands, more, ready) {
    Object.assign(this, { commands, more, ready });
    this.dialog = byId("palette");
    this.text = byId("palette-text");
    this.list = byId("palette-found");
    byId("open-palette").addEventListener("click", () => this.open());
    this.text.addEventListener("input", () => this.draw());
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("click", (event) => this.run([...this.list.children].indexOf(event.target.closest("li"))));
  }

  open() {
    if (this.dialog.open) return;
    this.text.value = "";
    this.draw();
    void this.ready().then(() => this.dialog.open && this.draw());
    this.dialog.showModal();
    this.text.focus();
  }

  draw() {
    const wanted = this.text.value.trim().toLowerCase();
    const rows = [...document.querySelectorAll(".lists .row")].map((row) => ({
      words: `${row.querySelector(".row-name").textContent.trim()} · ${row.querySelector(".row-preview").textContent.trim()}`,
      run: () => (location.href = row.href),
    }));
    this.found = [...this.commands(), ...rows].filter(({ words }) => words.toLowerCase().includes(wanted)).slice(0, 12);
    this.found.push(...this.more(this.text.value.trim()));
    this.list.replaceChildren(
      ...this.found.map(({ words }, place) => Object.assign(document.createElement("li"), { id: `found-${place}`, role: "option", textContent: words })),
    );
    if (!this.found.length) this.list.append(Object.assign(document.createElement("li"), { textContent: t("none_found"), role: "option", ariaDisabled: "true" }));
    this.choose(0);
  }

  choose(place) {
    this.at = this.found.length ? (place + this.found.length) % this.found.length : -1;
    [...this.list.children].forEach((node, here) => node.setAttribute("aria-selected", String(here === this.at)));
    this.list.children[this.at]?.scrollIntoView({ block: "nearest" });
    this.text.setAttribute("aria-activedescendant", this.at < 0 ? "" : `found-${this.at}`);
  }

  key(event) {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.choose(this.at + step);
    else if (event.key === "Enter") this.run(this.at);
    else return;
    event.preventDefault();
  }

  run(place) {
    const chosen = this.found[place];
    if (!chosen) return;
    this.dialog.close();
    chosen.run();
  }
}
