// Commands go up as POSTs, each with the epoch that the page shows and a key of its own.

const token = document.querySelector('meta[name="desk-token"]').content;
const TIMEOUT_MS = 15_000;

/** What the server said no to. code: its word; status 0: no answer came, so nobody knows whether it was done. */
export class Refused extends Error {
  constructor(status, code, detail) {
    super(detail);
    Object.assign(this, { status, code });
  }
}

export async function post(path, body, key) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Desk-Token": token, ...(key && { "Idempotency-Key": key }) },
      body: JSON.stringify(body ?? {}),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Refused(0, "no_answer", "No answer came. Your words are kept; pressing again sends them once at most.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new Refused(response.status, answer.code ?? "failed", answer.detail ?? "This could not be done.");
}
