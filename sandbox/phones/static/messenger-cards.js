import { h, hidden, safeUrl } from "./dom.js";
import { icon } from "./icons.js";
import { localeOf } from "./time.js";
import * as cards from "./cards.js";

// What a Page's message may carry besides words: files, cards in a row, a receipt, a coupon, a grid of pictures.

/** Only what the sandbox keeps is shown: a page that loads pictures from elsewhere tells elsewhere who reads it. */
function localImage(url) {
  const href = safeUrl(url);
  return href && new URL(href).origin === location.origin ? href : null;
}

export function picture(url, alt, className) {
  const src = localImage(url);
  const name = alt ? { role: "img", "aria-label": alt } : { "aria-hidden": "true" };
  const blank = () => h("span", { class: `${className} blank`, ...name }, icon("image"));
  if (!src) return blank();
  const image = h("img", { class: className, src, alt, loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.replaceWith(blank()));
  return image;
}

function file(one) {
  const { type, url, filename, mime, title } = one;
  const opens = (inside, className) => {
    const href = safeUrl(url);
    return href ? h("a", { class: className, href, target: "_blank", rel: "noopener noreferrer" }, inside) : h("span", { class: className }, inside);
  };
  if (type === "image") return opens([picture(url, filename || "Picture", "picture fixed"), url && hidden("opens the picture")], "picture-link");
  if (type === "sticker") {
    return h("span", { class: "sticker" }, localImage(url) ? picture(url, "Sticker", "sticker-picture") : [icon("smile"), hidden("Sticker")]);
  }
  if (type === "location") return cards.header({ type: "location", header: { text: title || `${one.latitude}, ${one.longitude}` }, body: "" });
  if (type === "fallback") return cards.card(url, "link", title || "Shared link", url || "not available", "file");
  const known = { audio: ["audio", "Voice message"], video: ["video", "Video"] }[type] ?? ["document", filename || "File"];
  const note = known[0] === "document" ? `${cards.typeOf({ filename, mime })} file` : (filename ?? mime ?? type);
  return cards.card(url, known[0], known[1], note, "file");
}

/** Every attachment of one message; several pictures side by side. Null when there is none. */
export function files(all) {
  if (!all.length) return null;
  return h("div", { class: all.length > 1 ? "files many" : "files" }, all.map(file));
}

/** Generic cards in a row that scrolls sideways by itself: by hand, by wheel, or by the arrow keys when it has the focus. */
export function carousel(bubble, chosen, act) {
  const { elements } = bubble;
  if (!elements?.length) return null;
  const texts = elements.flatMap((each) => (each.buttons ?? []).map(({ text }) => text));
  const told = new Set([...chosen].filter((text) => texts.indexOf(text) === texts.lastIndexOf(text))); // else nobody knows which card
  const items = elements.map((each) => {
    const href = safeUrl(each.url);
    const title = h("span", { class: "tile-title", dir: "auto" }, each.title);
    const image = each.image_url ? picture(each.image_url, "", "tile-picture") : null;
    return h("li", { class: "tile" },
      image,
      href ? h("a", { class: "tile-link", href, target: "_blank", rel: "noopener noreferrer" }, title) : title,
      each.subtitle ? h("span", { class: "tile-subtitle", dir: "auto" }, each.subtitle) : null,
      cards.buttons({ buttons: each.buttons }, told, { press: (_, index) => act.press(bubble, index) }),
    );
  });
  const several = items.length > 1;
  return h("ul", { class: "carousel", tabindex: several ? "0" : null, role: "list", "aria-label": several ? `${items.length} cards` : "Card" }, items);
}

function money(amount, currency, language) {
  try {
    return new Intl.NumberFormat(localeOf(language), { style: "currency", currency }).format(amount);
  } catch {
    return `${amount} ${currency ?? ""}`.trim(); // a currency that Intl does not know
  }
}

/** A receipt as the app sent it: what was bought, what it cost, who pays how. */
export function receipt(data, language) {
  if (!data) return null;
  const { summary = {}, currency } = data;
  const price = (amount, own) => money(amount, own ?? currency, language);
  const line = (name, amount, note, className) =>
    h("div", { class: className ?? null }, h("dt", { dir: "auto" }, name, note && h("small", {}, note)), h("dd", {}, amount));
  const bought = (data.elements ?? []).map((each) => {
    const count = each.quantity > 1 ? `${each.quantity} ×` : "";
    return line(each.title, price(each.price, each.currency), [count, each.subtitle].filter(Boolean).join(" "));
  });
  const sums = [["Subtotal", summary.subtotal], ["Delivery", summary.shipping_cost], ["Tax", summary.total_tax]]
    .filter(([, amount]) => amount !== undefined && amount !== null)
    .map(([name, amount]) => line(name, price(amount), null, "sum"));
  const less = (data.adjustments ?? []).map((each) => line(each.name ?? "Discount", price(-each.amount), null, "sum"));
  const { street_1: street, postal_code: postcode, city } = data.address ?? {};
  const where = [street, postcode, city].filter(Boolean).join(", ");
  return h("div", { class: "receipt", role: "group", "aria-label": `Receipt ${data.order_number}` },
    h("div", { class: "receipt-head" }, icon("receipt"), h("span", { dir: "auto" }, h("b", {}, data.merchant_name || "Receipt"), h("small", {}, `Order ${data.order_number}`))),
    h("dl", {}, bought, sums, less, line("Total", price(summary.total_cost), null, "total")),
    h("p", { dir: "auto" }, [data.recipient_name, data.payment_method, where].filter(Boolean).join(" · ")),
    data.order_url && cards.card(data.order_url, "link", "The order", "", "file"),
  );
}

export function coupon(data) {
  if (!data) return null;
  return h("div", { class: "coupon", role: "group", "aria-label": `Coupon: ${data.title}` },
    h("b", { dir: "auto" }, data.title),
    h("small", { dir: "auto" }, data.subtitle || "Terms may apply"),
    data.coupon_code && h("code", {}, data.coupon_code),
    data.coupon_url && cards.card(data.coupon_url, "link", data.coupon_url_button_title || "Use it", "", "file"),
  );
}

export function imageGrid(data) {
  const grid = data?.elements?.[0] ?? data;
  if (!grid?.images?.length) return null;
  return h("figure", { class: "grid" },
    h("div", { class: "files many" }, grid.images.map((each) => picture(each.url, "Picture", "picture fixed"))),
    grid.title && h("figcaption", { dir: "auto" }, h("b", {}, grid.title), grid.subtitle && h("small", {}, grid.subtitle)),
  );
}
