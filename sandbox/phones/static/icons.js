// Our own line icons, 20 x 20, drawn with the colour of the text beside them.

const PATHS = {
  pending: "M10 4.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Zm0 2.5v3.2l2.1 1.3",
  sent: "m4.5 10.5 3.6 3.7 7.4-8",
  delivered: "m2 10.5 3.4 3.7 7-8M9.3 13.6l.6.6 7.6-8",
  read: "m2 10.5 3.4 3.7 7-8M9.3 13.6l.6.6 7.6-8",
  failed: "M10 3.7 17.3 16H2.7L10 3.7Zm0 4.6v3.6m0 2v.1",
  unsent: "M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM5.5 5.6l9 8.9",
  document: "M5.5 2.8h6l4 4v10.4h-10V2.8Zm6 0v4h4M8 11h5M8 13.8h5",
  link: "M11.5 4H16v4.5M16 4l-7 7M8 5H4.5v10.5H15V12",
  phone: "M5 3.5h2.6l1.3 3.7-1.7 1.3a9.5 9.5 0 0 0 4.3 4.3l1.3-1.7 3.7 1.3V15c0 .9-.7 1.6-1.6 1.6C8.8 16.6 3.4 11.2 3.4 5.1 3.4 4.2 4.1 3.5 5 3.5Z",
  reply: "M8 5 3.5 9.5 8 14M4 9.5h7.5a5 5 0 0 1 5 5v.5",
  list: "M4 6h.1M4 10h.1M4 14h.1M7.5 6h9M7.5 10h9M7.5 14h9",
  pin: "M10 17.5s5.5-4.7 5.5-9.3a5.5 5.5 0 0 0-11 0c0 4.6 5.5 9.3 5.5 9.3Zm0-7.3a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  smile: "M10 3.2a6.8 6.8 0 1 0 0 13.6 6.8 6.8 0 0 0 0-13.6ZM7.7 8.2v.1m4.6-.1v.1m-5.1 3.4a3.5 3.5 0 0 0 5.6 0",
  send: "M10 16V4.5M5 9.3l5-4.8 5 4.8",
  close: "m5.5 5.5 9 9m0-9-9 9",
  play: "M6.5 4.3v11.4l9-5.7-9-5.7Z",
  pause: "M7 4.5v11m6-11v11",
  step: "M5 4.5v11l7.5-5.5L5 4.5Zm10 0v11",
  restart: "M4 10a6 6 0 1 0 1.9-4.4M5.5 2.8v3.2h3.2",
  alone: "M7 2.8h6c.7 0 1.2.5 1.2 1.2v12c0 .7-.5 1.2-1.2 1.2H7c-.7 0-1.2-.5-1.2-1.2V4c0-.7.5-1.2 1.2-1.2ZM9 14.7h2",
  chevron: "m7 5 5 5-5 5",
  down: "M10 4.5V15M5.5 10.7 10 15l4.5-4.3",
  copy: "M7.5 7.5h8v8h-8v-8ZM12.5 7V4.5h-8v8H7",
  check: "m4.5 10.5 3.6 3.7 7.4-8",
  audio: "M10 3.5a2 2 0 0 1 2 2v4a2 2 0 0 1-4 0v-4a2 2 0 0 1 2-2ZM5.5 9.5a4.5 4.5 0 0 0 9 0M10 14v3",
  video: "M3.5 5.5h9v9h-9v-9Zm9 3.5 4-2.5v7l-4-2.5",
  image: "M3.5 4.5h13v11h-13v-11Zm0 8.5 3.7-3.5 3 2.7 2.3-2 4 3.5M12.8 7.8v.1",
  contacts: "M10 9.5a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM4.5 16.2c.4-3 2.6-4.7 5.5-4.7s5.1 1.7 5.5 4.7",
  page: "M4.5 3.5h11v9.2h-6.2L6 16.2v-3.5H4.5V3.5Zm3 3.2h5M7.5 9.4h3.2",
  ring: "M10 5a5 5 0 1 0 0 10 5 5 0 0 0 0-10Z",
  eye: "M2.5 10S5.2 5.2 10 5.2 17.5 10 17.5 10 14.8 14.8 10 14.8 2.5 10 2.5 10Zm7.5 2a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  edit: "m12.5 4.5 3 3L8 15l-3.7.7.7-3.7 7.5-7.5Zm-2 2 3 3",
  plus: "M10 4.5v11M4.5 10h11",
  clip: "m14.8 9.6-5 5a3.3 3.3 0 0 1-4.7-4.7l5.4-5.3a2.2 2.2 0 0 1 3.1 3.1l-5.2 5.2a1.1 1.1 0 0 1-1.6-1.6l4.6-4.5",
  staff: "M10 9.2a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2ZM5 16c.3-2.8 2.3-4.5 5-4.5s4.7 1.7 5 4.5m.5-12.5 1 1 1.8-2",
  spark: "m10 3.5 1.6 4.9 4.9 1.6-4.9 1.6L10 16.5l-1.6-4.9L3.5 10l4.9-1.6L10 3.5Z",
  receipt: "M5.5 3h9v14l-2.2-1.5L10 17l-2.3-1.5L5.5 17V3Zm2.5 3.5h4M8 9.5h4",
  sign: "M10 3v14M4.5 5h8l2.5 2-2.5 2h-8V5Z",
  note: "M10 3.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm0 5.7v4m0-6.4v.1",
};

const NS = "http://www.w3.org/2000/svg";

/** A picture beside a word: hidden from a screen reader, which has the word. */
export function icon(name) {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(NS, "path");
  path.setAttribute("d", PATHS[name] ?? PATHS.note);
  svg.append(path);
  return svg;
}
