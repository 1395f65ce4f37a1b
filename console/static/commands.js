// Commands go up as POSTs, each with the epoch that the page shows and a key of its own.

import { locale, t } from "./words.js";

const token = document.querySelector('meta[name="desk-token"]').content;
const TIMEOUT_MS = 15_000;
const FILE_MS = 120_000;
const OUTLIVES = 15_000; // letters; browsers let 64 KB in all outlive their page

/** What the server said no to. code: its word; status 0: no answer came, so nobody knows whether it was done. */
export class Refused extends Error {
  constructor(status, code, detail) {
    super(detail);
    Object.assign(this, { status, code });
  }
}

export const get = (path) => send(path, {}, undefined, TIMEOUT_MS, "GET");

export const post = (path, body, key) =>
  send(path, { "Content-Type": "application/json", ...(key && { "Idempotency-Key": key }) }, JSON.stringify(body ?? {}), TIMEOUT_MS);

/** A file goes up as it is; its name beside it, as headers hold no other letters than ASCII's. */
export const upload = (path, file, key) =>
  send(path, { "Content-Type": file.type || "application/octet-stream", "X-File-Name": encodeURIComponent(file.name), "Idempotency-Key": key }, file, FILE_MS);

async function send(path, headers, body, within, method = "POST") {
  let response;
  // Who presses send and goes on at once has pressed send: what is on its way is not taken back by leaving the page.
  const keepalive = typeof body === "string" && body.length < OUTLIVES;
  try {
    response = await fetch(path, { method, keepalive, headers: { "X-Desk-Token": token, "X-Desk-Language": locale, ...headers }, body, signal: AbortSignal.timeout(within) });
  } catch {
    throw new Refused(0, "no_answer", t("no_answer"));
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Refused(response.status, answer.code ?? "failed", answer.detail ?? t("cannot"));
}
