// Addresses that open a chat: m.me one with a Page, wa.me one with a business number.

const LINK = /^(?:https?:\/\/)?((?:m|wa)\.me)\/([\w.+-]+)(?:[?#].*)?$/iu;

/** The address of a chat, complete with its https, or null for any other text. */
export function chatLink(address) {
  const text = String(address ?? "").trim();
  if (!LINK.test(text)) return null;
  return /^https?:/iu.test(text) ? text : `https://${text}`;
}

/** Is this chat the one that a link leads to? */
export function leadsTo(link, thread) {
  const [, host, who] = LINK.exec(link);
  if (host.toLowerCase() === "m.me") {
    return thread.channel === "messenger" && [thread.id, thread.fields.page_username?.toLowerCase()].includes(who.toLowerCase());
  }
  return thread.channel === "whatsapp" && thread.number.replace(/\D/gu, "") === who.replace(/\D/gu, "");
}
