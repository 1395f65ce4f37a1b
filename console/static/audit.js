// The audit stands still on its page; it goes from sight when the desk is locked or the session ends, as the desk itself does.

import { get, post } from "./commands.js";

const LOOK_MS = 30_000;
const SEEN_MS = 60_000;
const away = (error) => {
  if (error.status === 401 || error.status === 423) location.replace("/login?next=/audit");
};

let seenAt = Date.now();
for (const kind of ["keydown", "pointerdown"]) {
  document.addEventListener(kind, () => {
    if (Date.now() - seenAt < SEEN_MS) return;
    seenAt = Date.now();
    post("/desk/seen").catch(away);
  }, { passive: true });
}
setInterval(() => get("/desk/alive").catch(away), LOOK_MS);
