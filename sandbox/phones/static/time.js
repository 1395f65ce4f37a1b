// Times as the person with the phone reads them: in the phone's zone, days in the phone's language.

const cache = new Map();

function formatter(locale, zone, options) {
  const key = JSON.stringify([locale, zone, options]);
  if (!cache.has(key)) {
    let made;
    try {
      made = new Intl.DateTimeFormat(locale, { ...options, timeZone: zone });
    } catch {
      made = new Intl.DateTimeFormat("en", { ...options, timeZone: "UTC" }); // an unknown zone or language
    }
    cache.set(key, made);
  }
  return cache.get(key);
}

/** "nl_NL" or "nl" -> a tag that Intl knows, else "en". */
export function localeOf(language) {
  try {
    return Intl.getCanonicalLocales(String(language || "en").replaceAll("_", "-"))[0] ?? "en";
  } catch {
    return "en";
  }
}

/** 24 hours everywhere: phones stand side by side, and "07:05" must not need a second look. */
export function clockTime(ms, zone) {
  return formatter("en-GB", zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(ms);
}

/** A number that is the same for two moments of one calendar day in that zone. */
export function dayOf(ms, zone) {
  const parts = formatter("en-GB", zone, { year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(ms);
  const part = (type) => Number(parts.find((each) => each.type === type).value);
  return Math.round(Date.UTC(part("year"), part("month") - 1, part("day")) / 86_400_000);
}

/** "vandaag", "yesterday", else "dinsdag 24 november". */
export function dayName(ms, nowMs, zone, language) {
  const locale = localeOf(language);
  const away = dayOf(ms, zone) - dayOf(nowMs, zone);
  if (Math.abs(away) <= 1) {
    return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(away, "day");
  }
  return formatter(locale, zone, { weekday: "long", day: "numeric", month: "long" }).format(ms);
}

export function languageName(language) {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(localeOf(language)) ?? String(language);
  } catch {
    return String(language);
  }
}

/** "America/New_York" -> "New York". */
export function placeOf(zone) {
  return String(zone || "UTC").split("/").at(-1).replaceAll("_", " ");
}
