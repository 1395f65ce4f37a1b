// The lock screen lies over the page and keeps it: drafts, the place in the thread, everything. And leaving: who has live work is asked
// what becomes of it first.

import { get, post, Refused } from "./commands.js";
import { forgetAll, newKey, unsent } from "./drafts.js";
import { t } from "./words.js";

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

/** forget: lets the composer forget its drafts. Signs out at once where nothing is live and nothing is unsent. */
export function leaving(forget) {
  const dialog = byId("leaving");
  const live = () => [...document.querySelectorAll("#mine .row, #undelivered .row")];
  const out = async () => {
    const onward = await post("/logout").catch(() => undefined);
    forget();
    forgetAll();
    location.href = onward?.next ?? "/login";
  };
  byId("sign-out").addEventListener("click", () => {
    byId("leaving-live").hidden = !live().length;
    byId("leaving-drafts").hidden = !unsent();
    dialog.querySelector('[data-leave="release"]').hidden = !live().length;
    if (live().length || unsent()) dialog.showModal();
    else void out();
  });
  dialog.addEventListener("click", async (event) => {
    const what = event.target.closest("[data-leave]")?.dataset.leave;
    if (!what) return;
    dialog.close();
    if (what === "stay") return;
    if (what === "release") {
      for (const row of live()) await post(`/desk/${row.dataset.id}/release`, { epoch: Number(row.dataset.epoch), note: t("left_desk") }, newKey()).catch(() => undefined);
    }
    await out();
  });
}
