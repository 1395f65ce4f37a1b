// Everything by keyboard. A leader (Ctrl+.) then one letter; nothing on Alt or AltGr, which type accents.

const HINT_MS = 700;
const PANES = ["lists", "thread", "composer", "card"];
const byId = (id) => document.getElementById(id);

export class Keys {
  /** actions: letter -> function */
  constructor(actions) {
    this.actions = actions;
    this.armed = false;
    this.dialog = byId("keys");
    const off = byId("keys-off");
    const enter = byId("plain-enter");
    off.checked = localStorage.getItem("desk:keys-off") === "yes";
    enter.checked = localStorage.getItem("desk:plain-enter") === "yes";
    off.addEventListener("change", () => localStorage.setItem("desk:keys-off", off.checked ? "yes" : "no"));
    enter.addEventListener("change", () => localStorage.setItem("desk:plain-enter", enter.checked ? "yes" : "no"));
    byId("open-keys").addEventListener("click", () => this.dialog.showModal());
    document.addEventListener("keydown", (event) => this.pressed(event), true);
    addEventListener("blur", () => this.disarm());
  }

  pressed(event) {
    if (event.key === "F6") return this.nextPane(event);
    if (event.key === "Escape" && !this.dialog.open) return this.disarm();
    if (localStorage.getItem("desk:keys-off") === "yes") return undefined;
    if (event.ctrlKey && event.key === ".") {
      event.preventDefault();
      this.armed = true;
      clearTimeout(this.hint);
      // Who hesitates is shown the list; the letter still counts.
      this.hint = setTimeout(() => this.armed && !this.dialog.open && this.dialog.showModal(), HINT_MS);
      return undefined;
    }
    if (!this.armed || ["Control", "Shift", "Meta", "Alt"].includes(event.key)) return undefined;
    this.disarm();
    const action = event.ctrlKey || event.metaKey || event.altKey ? null : this.actions[event.key.toLowerCase()];
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
