"use strict";
// The language of the browser, and how old this page is. Without this script both are still there to choose and to read.
(() => {
  const choices = [...document.querySelectorAll("input[name=language]")];
  const wanted = [location.hash.slice(1), ...(navigator.languages || [])].map((each) => each.slice(0, 2).toLowerCase());
  const known = wanted.find((each) => choices.some((choice) => choice.value === each));
  const show = () => {
    const chosen = choices.find((choice) => choice.checked).value;
    document.documentElement.lang = chosen;
    document.title = document.querySelector(`main[lang=${chosen}] h1`).textContent;
  };
  for (const choice of choices) {
    if (choice.value === known) choice.checked = true;
    choice.addEventListener("change", show);
  }
  show();
  for (const page of document.querySelectorAll("main")) {
    const hours = Math.floor((Date.now() - Number(page.dataset.written)) / 3600000);
    if (hours < Number(page.dataset.hours)) continue;
    const ago = new Intl.RelativeTimeFormat(page.lang);
    page.querySelector("[data-ago]").textContent =
      hours < 48 ? ago.format(-hours, "hour") : ago.format(-Math.floor(hours / 24), "day");
    page.querySelector(".aged").hidden = false;
  }
})();
