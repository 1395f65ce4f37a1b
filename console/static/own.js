// What somebody chose for themselves stands in their record, so that it is the same at every computer they sit down at.

import { post } from "./commands.js";

/** {send_key: "enter", "ctrl_enter" or "" while nothing was chosen; locale; keys: command -> letter} */
export const own = JSON.parse(document.querySelector('meta[name="desk-own"]').content);

/** Keeps some of it. Throws Refused, and then nothing has changed. */
export async function keep(more) {
  await post("/desk/own", more);
  Object.assign(own, more);
}
