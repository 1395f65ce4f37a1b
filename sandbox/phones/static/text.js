import { h } from "./dom.js";

// The marks people type in a messenger: *bold*, _italic_, ~struck~, ```as is```, and addresses of the web. A mark
// counts only at a word's edge, so 2*3*4 and snake_case_name stay as they are.
const MARKS = /```([\s\S]+?)```|(https?:\/\/[^\s<>"']+)|(?<![\p{L}\p{N}*_~])([*_~])(?=\S)([^\n]*?\S)\3(?![\p{L}\p{N}*_~])/gu;
const TAGS = { "*": "strong", _: "em", "~": "s" };

/** Message text -> nodes. Everything that is not a mark above is a text node, letter by letter. */
export function richText(text, depth = 0) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(MARKS)) {
    const [whole, code, url, mark, inner] = match;
    if (mark && depth > 2) continue;
    if (match.index > from) nodes.push(text.slice(from, match.index));
    from = match.index + whole.length;
    if (code !== undefined) nodes.push(h("code", {}, code));
    else if (url !== undefined) {
      const address = url.replace(/[.,;:!?)\]]+$/u, ""); // the full stop belongs to the sentence
      nodes.push(h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, address));
      from -= url.length - address.length;
    } else nodes.push(h(TAGS[mark], {}, ...richText(inner, depth + 1)));
  }
  if (from < text.length) nodes.push(text.slice(from));
  return nodes;
}

/** One line of a message without its marks, to quote it. */
export function excerpt(bubble) {
  const { header, attachment, elements, receipt } = bubble;
  const file = header?.filename || header?.text || attachment?.title || attachment?.filename;
  const order = receipt && `Receipt ${receipt.order_number}`;
  const text = bubble.body || file || elements?.[0]?.title || order || attachment?.type || bubble.type;
  const plain = h("span", {}, richText(text)).textContent.replace(/\s+/gu, " ");
  const letters = [...plain.trim()];
  return letters.length > 90 ? `${letters.slice(0, 89).join("")}…` : letters.join("");
}
