// Puts server-rendered fragments in place. What stays, stays: focus, the place in the thread, what is unfolded, what is chosen just
// now. The composer is never touched. Idiomorph (a script of its own) changes only what differs.

import { localise, markDays, tick } from "./clock.js";

const parse = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content;
};

/** What the page itself keeps on a node, and no fragment knows. */
const kept = (name, node) =>
  (name === "open" && node.matches("details")) || (name === "aria-expanded") || (name === "hidden" && node.matches("li"));

const morph = (node, content) =>
  window.Idiomorph.morph(node, content, {
    morphStyle: "innerHTML",
    restoreFocus: true,
    callbacks: {
      beforeAttributeUpdated: (name, target) => !kept(name, target),
      // A list that somebody has open right now is not changed under their hand.
      // What the page fetched by itself (the past) stays too.
      beforeNodeMorphed: (target) => target.id !== "past" && !(target instanceof HTMLSelectElement && target === document.activeElement && target.matches(":open")),
    },
  });

export function patchPart(root, { html, version }) {
  const had = root.contains(document.activeElement) && document.activeElement !== root;
  const pane = root.closest(".pane") ?? root;
  const scroll = pane.scrollTop;
  morph(root, parse(html));
  root.dataset.version = version;
  pane.scrollTop = scroll;
  localise(root);
  tick(root);
  // What had the focus is gone: not to the body, where the next key does nothing, but to the part it was in.
  if (had && !root.contains(document.activeElement)) (root.querySelector("h1[tabindex]") ?? root.closest("[tabindex]") ?? root).focus({ preventScroll: true });
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
      const had = old.contains(document.activeElement);
      for (const { name, value } of node.attributes) old.setAttribute(name, value);
      morph(old, node.childNodes.length ? [...node.childNodes] : "");
      if (had && !old.contains(document.activeElement)) document.getElementById("thread").focus({ preventScroll: true });
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
