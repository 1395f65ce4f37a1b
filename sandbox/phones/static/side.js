// How much room the phones have, and on a narrow screen which of the two is shown. Kept in this browser.

const KEPT = "side-phones";
const both = document.querySelector(".side-both");
const width = document.querySelector(".side-width input");
const buttons = [...document.querySelectorAll("[data-show]")];

function divide(percent) {
  both.style.setProperty("--phones", `${percent}fr`);
  both.style.setProperty("--desk", `${100 - percent}fr`);
}

function show(name) {
  both.dataset.shown = name;
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.show === name));
}

const kept = Number(localStorage.getItem(KEPT));
if (kept >= Number(width.min) && kept <= Number(width.max)) width.value = String(kept);
divide(Number(width.value));
width.addEventListener("input", () => {
  divide(Number(width.value));
  localStorage.setItem(KEPT, width.value);
});
for (const button of buttons) button.addEventListener("click", () => show(button.dataset.show));
