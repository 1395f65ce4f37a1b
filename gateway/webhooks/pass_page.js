// Without this the page shows the same: it only keeps gate and time fresh, the screen awake, and lets Escape close the code.
(() => {
  const now = document.getElementById("now"), offline = document.getElementById("offline");
  if (!now) return;

  // The screen stays on while the page is looked at; where that cannot be had, it goes off as it always does.
  const awake = () => {
    if (document.visibilityState === "visible" && "wakeLock" in navigator) navigator.wakeLock.request("screen").catch(() => {});
  };

  // Part by part, and only what differs: whatever is announced or looked at stays where it is. A failure changes nothing but a line.
  const look = async () => {
    if (document.visibilityState !== "visible") return;
    try {
      const answer = await fetch(now.dataset.url, { cache: "no-store", redirect: "error", signal: AbortSignal.timeout(10000) });
      if (answer.status === 404 || answer.status === 410) return; // over, or taken back: nothing new is told, and nothing vanishes
      if (!answer.ok) throw new Error(answer.status);
      const made = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const fresh of made.querySelectorAll("[data-live]")) {
        const old = document.getElementById(fresh.id);
        if (!old || old.innerHTML === fresh.innerHTML) continue;
        old.replaceChildren(...fresh.childNodes);
      }
      offline.hidden = true;
    } catch {
      offline.hidden = false;
    }
  };

  document.addEventListener("visibilitychange", () => { awake(); look(); });
  document.addEventListener("keydown", event => {
    if (event.key === "Escape" && location.hash.startsWith("#code-")) location.hash = "#pass";
  });
  addEventListener("online", look);
  addEventListener("offline", () => { offline.hidden = false; });
  setInterval(look, Number(now.dataset.every) * 1000);
  awake();
})();
