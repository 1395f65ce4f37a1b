import { h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * The rows of a list message, in a dialog of the phone. Rows are counted through all sections, as the sandbox does,
 * unless a row brings its own index. `choose(index)` says whether the sandbox took it.
 */
export function openListDialog(screen, bubble, choose) {
  const opener = document.activeElement;
  let count = 0;
  const dialog = h("dialog", { class: "sheet", "aria-label": bubble.list.button || "Choose" });
  const row = (entry) => {
    const index = entry.index ?? count;
    count += 1;
    const node = h(
      "button",
      { type: "button", class: "list-row" },
      h("span", { dir: "auto" }, entry.title),
      entry.description ? h("small", { dir: "auto" }, entry.description) : null,
    );
    node.addEventListener("click", async () => {
      if (dialog.getAttribute("aria-busy") === "true") return;
      dialog.setAttribute("aria-busy", "true");
      await choose(index);
      dialog.close();
    });
    return h("li", {}, node);
  };
  const sections = (bubble.list.sections ?? []).map((section) => [
    section.title ? h("h3", { dir: "auto" }, section.title) : null,
    h("ul", {}, (section.rows ?? []).map(row)),
  ]);
  const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"));
  dialog.append(h("header", {}, h("h2", { dir: "auto" }, bubble.list.button || "Choose"), close), h("div", { class: "sheet-body" }, sections));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener?.focus?.();
  });
  screen.append(dialog);
  dialog.showModal();
}
