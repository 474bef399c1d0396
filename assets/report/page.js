"use strict";

// What the pages share: a filter that waits for the end of typing, and a button for light and dark.
const debounced = (act) => {
  let waiting = 0;
  return () => {
    clearTimeout(waiting);
    waiting = setTimeout(act, 120);
  };
};

const followTheme = (button) => {
  button.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = getComputedStyle(root).colorScheme === "dark"
      || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = dark ? "light" : "dark";
    button.setAttribute("aria-pressed", String(!dark));
  });
  button.setAttribute("aria-pressed", String(matchMedia("(prefers-color-scheme: dark)").matches));
};
