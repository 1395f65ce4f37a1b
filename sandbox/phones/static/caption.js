import { h } from "./dom.js";
import { icon } from "./icons.js";

// The small print under a bubble, for us and not for the customer: how far it came, as what it was sent, and why.

export function ticks(bubble) {
  const state = bubble.ticks || "pending";
  const words = [h("span", {}, state)];
  if (bubble.error) {
    const { title, code } = bubble.error;
    words.push(h("span", { class: "error" }, `${title || "error"}${code ? ` (${code})` : ""}`));
  }
  return h("span", { class: `ticks ticks-${state}` }, icon(state), words);
}

/** "not sent: night, until 07:00": a pale bubble's reason, and what it would have been. */
export function unsent(bubble) {
  const reason = h("span", {}, `not sent: ${bubble.reason ?? "no reason given"}`);
  return h("p", {}, h("span", { class: "ticks ticks-unsent" }, icon("unsent"), reason), bubble.template && origin(bubble));
}

/** "template flight_delayed (nl)" or "free text": an approved template, or words of our own inside the window. */
export function origin(bubble) {
  if (!bubble.template) return h("span", { class: "origin" }, "free text");
  const { name, language, category } = bubble.template;
  const title = category ? `category ${String(category).toLowerCase()}` : null;
  return h("span", { class: "origin", title }, "template ", h("b", {}, name), `\u00a0(${language})`);
}

function copyable(command) {
  const code = h("code", { tabindex: "0" }, command);
  const word = h("span", {}, "copy");
  const button = h("button", { type: "button", class: "copy", "aria-label": "Copy the trace command" }, icon("copy"), word);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(command);
      word.textContent = "copied";
    } catch {
      // No clipboard without https or permission: mark the words, so that Ctrl-C takes them.
      getSelection().selectAllChildren(code);
      word.textContent = "press Ctrl-C";
    }
    setTimeout(() => (word.textContent = "copy"), 2_000);
  });
  return h("div", { class: "trace" }, code, button);
}

/** Why this was sent, or why not: a sentence, and behind it the details and the command that tells the whole story. */
export function why(bubble, open) {
  if (!bubble.why) return null;
  const { text, details = [], trace } = bubble.why;
  if (!details.length && !trace) return h("p", { class: "why" }, h("span", { dir: "auto" }, text));
  return h(
    "details",
    { class: "why", open },
    h("summary", {}, icon("chevron"), h("span", { dir: "auto" }, text)),
    details.length ? h("ul", {}, details.map((each) => h("li", { dir: "auto" }, each))) : null,
    trace ? copyable(trace) : null,
  );
}
