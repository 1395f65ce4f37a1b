// Signed out in one tab is signed out in all of them: what stands there is for nobody who comes to this computer after.

const NAME = "desk:out";

export function tellOut() {
  localStorage.setItem(NAME, "yes");
  localStorage.removeItem(NAME);
}

/** before: what is to be done before the page is left */
export const onOut = (before = () => undefined) =>
  addEventListener("storage", ({ key, newValue }) => {
    if (key !== NAME || !newValue) return;
    before();
    location.replace("/login");
  });
