// Keys: each does what the button of the same letter does. Without this script the buttons remain.
"use strict";

const isText = (element) =>
  element instanceof HTMLInputElement && !["hidden", "submit", "button"].includes(element.type);

// A key that is held down, or pressed again while the next question is on its way, decides nothing.
let isLeaving = false;
document.addEventListener("submit", (event) => {
  if (isLeaving) event.preventDefault();
  isLeaving = true;
});
window.addEventListener("pageshow", () => { isLeaving = false; });

document.addEventListener("keydown", (event) => {
  if ("noKeys" in document.body.dataset) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (isText(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  // Letters choose in a list of options.
  if (event.repeat || event.target instanceof HTMLSelectElement) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!target || target.disabled) return;
  event.preventDefault();
  if (isText(target)) {
    target.focus();
    target.select();
  } else {
    target.click();
  }
});

// A run that is going on: look now and then whether it has ended.
const running = document.getElementById("running");
if (running) {
  const look = async () => {
    const response = await fetch("/run", { headers: { Accept: "application/json" } });
    if (response.ok && (await response.json()).running) {
      setTimeout(look, 3000);
    } else if (!document.querySelector("input:focus")) {
      location.reload();
    }
  };
  setTimeout(look, 3000);
}
