// Puts server-rendered fragments in place. What stays, stays: focus, the place in the thread. The composer is never touched.

import { localise, markDays, tick } from "./clock.js";

const parse = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content;
};

/** How to find the focused thing again after its part was drawn anew. */
function remembered(root) {
  const node = document.activeElement;
  if (!node || !root.contains(node) || node === root) return null;
  const { id, command, quote } = node.dataset;
  if (quote) return `[data-quote="${quote}"]`;
  if (command) return `[data-command="${command}"]`;
  if (id) return `[data-id="${id}"]`;
  return node.id ? `#${CSS.escape(node.id)}` : null;
}

export function patchPart(root, { html, version }) {
  const focused = remembered(root);
  const had = root.contains(document.activeElement) && document.activeElement !== root;
  const scroll = root.scrollTop;
  root.replaceChildren(parse(html));
  root.dataset.version = version;
  root.scrollTop = scroll;
  localise(root);
  tick(root);
  if (!had) return;
  const again = focused && root.querySelector(focused);
  if (again) again.focus({ preventScroll: true });
  else (root.querySelector("h1[tabindex]") ?? root).focus({ preventScroll: true });
}

/**
 * Lines of the thread: add what is new, and of what changed only what is not its words, so that a log that is read out
 * does not say them twice. Returns the new ones.
 */
export function patchLines(lines, { order, lines: fresh }) {
  const added = [];
  for (const [id, { html, version }] of Object.entries(fresh)) {
    const node = parse(html).firstElementChild;
    const old = document.getElementById(id);
    if (!old) {
      added.push(node);
      lines.append(node);
    } else if (old.dataset.version !== version) {
      const focused = remembered(old);
      const unfolded = old.querySelector("details")?.open;
      old.replaceChildren(...node.children);
      if (unfolded && old.querySelector("details")) old.querySelector("details").open = true;
      old.dataset.version = version;
      if (focused) (old.querySelector(focused) ?? document.getElementById("thread")).focus({ preventScroll: true });
    }
  }
  const known = new Set(order);
  for (const node of [...lines.querySelectorAll(".line")]) if (!known.has(node.id)) node.remove();
  let next = lines.querySelector(".line");
  for (const id of order) {
    const node = document.getElementById(id);
    if (node === next) {
      do next = next?.nextElementSibling ?? null; while (next && !next.classList.contains("line"));
    } else if (node) lines.insertBefore(node, next);
  }
  localise(lines);
  markDays(lines);
  return added;
}
