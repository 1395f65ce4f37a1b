// Times and countdowns, by the server's clock: a computer whose clock is wrong still sees the right window.

import { locale, t } from "./words.js";

/** Dates as the reader's own country writes them, where their browser speaks the page's language. */
const written = navigator.languages.find((one) => one.startsWith(locale)) ?? locale;
let offset = 0;

export const setServerNow = (ms) => {
  if (Number.isFinite(ms) && ms > 0) offset = ms - Date.now();
};
export const now = () => Date.now() + offset;

/** How long, in the same words as the server's: 45 s, 12 min, 3 h 05, 2 d. */
export function age(ms) {
  const seconds = Math.floor(Math.max(ms, 0) / 1000);
  if (seconds < 60) return t("age.s", { n: seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return t("age.min", { n: minutes });
  if (minutes < 48 * 60) return t("age.h", { h: Math.floor(minutes / 60), m: String(minutes % 60).padStart(2, "0") });
  return t("age.d", { n: Math.floor(minutes / 1440) });
}

/** What is left of a service window: words and a tone. closes 0 = closed. */
export function left(closes) {
  const ms = closes - now();
  if (!closes || ms <= 0) return { words: t("closed"), tone: "closed", ms: 0 };
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 2) return { words: t("left", { left: `${minutes ? "1 min " : ""}${Math.floor(ms / 1000) % 60} s` }), tone: "red", ms };
  const tone = minutes < 15 ? "red" : minutes < 60 ? "amber" : minutes < 120 ? "some" : "open";
  return { words: t("left", { left: age(ms) }), tone, ms };
}

const time = new Intl.DateTimeFormat(written, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const full = new Intl.DateTimeFormat(written, { dateStyle: "full", timeStyle: "medium", hourCycle: "h23" });
const weekday = new Intl.DateTimeFormat(written, { weekday: "long", day: "numeric", month: "long" });
const far = new Intl.DateTimeFormat(written, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** A moment some days away, in the reader's own zone. */
export const moment = (ms) => far.format(new Date(ms));
const write = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/** Times in the reader's own zone; they come as UTC. */
export function localise(root) {
  for (const node of root.querySelectorAll("time[datetime]:not([data-local])")) {
    const when = new Date(node.dateTime);
    node.dataset.local = "yes";
    node.title = full.format(when);
    write(node, (node.classList.contains("far") ? far : time).format(when));
  }
}

/** A small line wherever the day changes between two lines of the thread. */
export function markDays(lines) {
  for (const old of lines.querySelectorAll(".day")) old.remove();
  let last = "";
  for (const line of lines.querySelectorAll(".line")) {
    const stamp = line.querySelector("time")?.dateTime;
    const day = stamp ? weekday.format(new Date(stamp)) : last;
    if (day !== last) {
      const mark = document.createElement("p");
      mark.className = "day";
      mark.textContent = day === weekday.format(new Date(now())) ? t("today") : day;
      mark.setAttribute("aria-hidden", "true");
      line.before(mark);
    }
    last = day;
  }
}

/** Count on: how long people wait, what is left of windows. Not read out: these are not live regions. */
export function tick(root = document) {
  for (const node of root.querySelectorAll("[data-since]")) write(node, age(now() - Number(node.dataset.since)));
  for (const node of root.querySelectorAll("[data-left]")) write(node, age(Number(node.dataset.left) - now()));
  for (const node of root.querySelectorAll(".window")) {
    const { words, tone, ms } = left(Number(node.dataset.closes));
    const person = left(Number(node.dataset.person));
    const byPerson = !ms && person.ms;
    node.dataset.tone = byPerson ? "amber" : tone;
    write(node.firstElementChild, byPerson ? t("person", { words: person.words }) : t("window", { words }));
  }
}
