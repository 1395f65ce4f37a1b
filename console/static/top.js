// The first line of the page: which brand is shown, and what the agent chose to be. It is patched: whoever listens, listens from above.

import { post, Refused } from "./commands.js";
import { t } from "./words.js";

const byId = (id) => document.getElementById(id);
const BRAND = "desk:brand";

/** Show the rows of the chosen brand alone; after every patch anew. */
export function chosenBrand() {
  const select = byId("brands");
  if (!select) return;
  const brand = localStorage.getItem(BRAND) ?? "";
  if (select.value !== brand && select !== document.activeElement) select.value = [...select.options].some((one) => one.value === brand) ? brand : "";
  for (const row of document.querySelectorAll(".lists .row")) row.parentElement.hidden = Boolean(select.value) && row.dataset.brand !== select.value;
}

/** refused: (error) => what the agent is told; news: says a line aloud */
export function onTop({ refused, news }) {
  async function choose(value, words) {
    const [status, kind = ""] = value.split(":");
    try {
      await post("/desk/status", { status, kind });
      news(t("status", { words }));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refused(error);
    }
  }
  byId("top").addEventListener("change", (event) => {
    const select = event.target;
    if (select.id === "status") void choose(select.value, select.selectedOptions[0].textContent);
    if (select.id === "brands") {
      localStorage.setItem(BRAND, select.value);
      chosenBrand();
    }
  });
  byId("top").addEventListener("click", (event) => {
    if (event.target.closest("#i-am-back")) void choose("available", byId("status").querySelector('[value="available"]').textContent);
  });
}
