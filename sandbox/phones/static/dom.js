// Builds elements. Text from outside only ever enters as a text node, so markup in a message stays letters.

export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const hidden = (text) => h("span", { class: "visually-hidden" }, text);

/**
 * Make `parent`'s children be `wanted`, in this order, moving and removing as little as possible: what stays in
 * place keeps its focus, its open details and its place on the screen.
 */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const node of [...parent.childNodes]) if (!keep.has(node)) node.remove(); // first: what stays need not move
  let next = parent.firstChild;
  for (const node of wanted) {
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
}

/** Do `press` at a click; until it has resolved the button is busy and deaf. Returns the button. */
export function pressOnce(node, press) {
  node.addEventListener("click", async () => {
    if (node.getAttribute("aria-busy") === "true") return;
    node.setAttribute("aria-busy", "true");
    try {
      await press();
    } finally {
      node.removeAttribute("aria-busy");
    }
  });
  return node;
}

/** Write text only when it differs, so that nothing is announced or repainted for nothing. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** An address that may be opened: http, https, tel, or a path of this host. Anything else (javascript:, data:) is null. */
export function safeUrl(url) {
  if (typeof url !== "string" || url === "") return null;
  try {
    const parsed = new URL(url, location.href);
    return ["http:", "https:", "tel:"].includes(parsed.protocol) ? parsed.href : null;
  } catch {
    return null;
  }
}
