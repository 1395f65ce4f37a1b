// The page's words, as the server chose the language: one catalogue for templates and scripts (console/words.yaml).

const words = JSON.parse(document.querySelector('meta[name="desk-words"]').content);

/** t("waiting", { n: 3 }). A key that is not there is shown as itself: a test finds it before an agent does. */
export const t = (key, places = {}) => (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => places[name] ?? "");
export const locale = document.documentElement.lang;
