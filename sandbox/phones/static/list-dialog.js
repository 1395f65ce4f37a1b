import { h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * The rows of a list message, as a sheet over one phone's screen: the rest of that screen rests meanwhile, the other
 * phones go on (a modal dialog would cover the whole page). Rows are counted through all sections, as the sandbox does,
 * unless a row brings its own index. `choose(index)` says whether the sandbox took it.
 */
export function openListDialog(screen, bubble, choose) {
  const opener = document.activeElement;
  const resting = [...screen.children];
  const name = bubble.list.button || "Choose";
  const close = () => dialog.close();
  let count = 0;
  const row = (entry) => {
    const index = entry.index ?? count;
    count += 1;
    const words = [h("span", { dir: "auto" }, entry.title), entry.description && h("small", { dir: "auto" }, entry.description)];
    return h("li", {}, h("button", { type: "button", class: "list-row", onclick: () => take(index) }, words));
  };
  const take = async (index) => {
    if (dialog.getAttribute("aria-busy") === "true") return;
    dialog.setAttribute("aria-busy", "true");
    await choose(index);
    close();
  };
  const sections = (bubble.list.sections ?? []).map((section) => [
    section.title ? h("h3", { dir: "auto" }, section.title) : null,
    h("ul", {}, (section.rows ?? []).map(row)),
  ]);
  const closer = h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: close }, icon("close"));
  const head = h("header", {}, h("h2", { dir: "auto" }, name), closer);
  const dialog = h("dialog", { class: "sheet", "aria-label": name }, head, h("div", { class: "sheet-body" }, sections));
  const shade = h("div", { class: "shade", onclick: close });
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && close());
  dialog.addEventListener("close", () => {
    for (const part of resting) part.inert = false;
    dialog.remove();
    shade.remove();
    opener?.focus?.();
  });
  for (const part of resting) part.inert = true;
  screen.append(shade, dialog);
  dialog.show();
  dialog.querySelector(".list-row")?.focus();
}
