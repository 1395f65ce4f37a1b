// Requests to the sandbox. Whatever goes wrong becomes one sentence that can stand at a phone.

const TIMEOUT_MS = 10_000;

export class Refused extends Error {}

async function words(response) {
  const text = await response.text();
  try {
    const body = JSON.parse(text);
    const said = body.detail ?? body.error?.message ?? body.title ?? body.message;
    if (typeof said === "string" && said) return said;
  } catch {
    // Not JSON: the number says more than a page of HTML would.
  }
  return `The sandbox answered ${response.status} ${response.statusText}`.trim() + ".";
}

async function request(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
      cache: "no-store",
    });
  } catch (error) {
    if (error.name === "TimeoutError") throw new Refused("The sandbox did not answer within 10 seconds.");
    throw new Refused("The sandbox cannot be reached. Is it still running?");
  }
  if (!response.ok) throw new Refused(await words(response));
  const type = response.headers.get("Content-Type") ?? "";
  return type.includes("json") ? response.json() : null;
}

const one = (address) => `/sandbox/handsets/${encodeURIComponent(address)}`;

export const api = {
  handsets: () => request("GET", "/sandbox/handsets"),
  handset: (address) => request("GET", one(address)),
  say: (address, body) => request("POST", `${one(address)}/say`, body),
  state: (address, body) => request("PATCH", `${one(address)}/state`, body),
  pages: () => request("GET", "/sandbox/pages"),
  page: (id, body) => request("PUT", `/sandbox/pages/${encodeURIComponent(id)}`, body),
  story: (body) => request("POST", "/sandbox/story/control", body),
};
