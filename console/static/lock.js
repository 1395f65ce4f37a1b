// The lock screen lies over the page and keeps it: drafts, the place in the thread, everything.

import { get, post, Refused } from "./commands.js";

const LOOK_MS = 3000;
const byId = (id) => document.getElementById(id);

export class Lock {
  /** opened: what to do when it is open again */
  constructor(opened) {
    this.dialog = byId("lock");
    this.opened = opened;
    byId("lock-now").addEventListener("click", () => post("/desk/lock").then(() => this.show(), () => undefined));
    this.dialog.addEventListener("cancel", (event) => event.preventDefault());
    // Unlocked in another window, at their provider or in another tab: this page goes on too.
    const look = () => this.dialog.open && get("/desk/alive").then(() => this.open(), () => undefined);
    addEventListener("focus", look);
    setInterval(look, LOOK_MS);
    byId("unlock")?.addEventListener("submit", async (event) => {
      event.preventDefault();
      const field = byId("unlock-password");
      byId("unlock-said").textContent = "";
      try {
        await post("/desk/unlock", { password: field.value });
        this.open();
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        byId("unlock-said").textContent = error.message;
      }
      field.value = "";
    });
  }

  open() {
    if (!this.dialog.open) return;
    this.dialog.close();
    this.opened();
  }

  show() {
    if (this.dialog.open) return;
    for (const other of document.querySelectorAll("dialog:modal")) other.close();
    this.dialog.showModal();
  }
}
