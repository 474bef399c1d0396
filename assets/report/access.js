// Searches the paths, and marks in the drawing the one that is pointed at; without this script the page shows everything.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  for (const control of document.querySelectorAll("[data-script]")) control.hidden = false;
  const rows = Array.from(document.querySelectorAll("#chains > li"), (row) => ({ row, text: row.textContent.toLowerCase() }));
  const arrows = Array.from(document.querySelectorAll("svg .arrow"), (arrow) => ({ arrow, paths: arrow.dataset.paths.split(" ") }));

  const filter = () => {
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = byId("state").value;
    let shown = 0;
    for (const { row, text } of rows) {
      const fits = (!state || row.dataset.state === state) && words.every((word) => text.includes(word));
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    byId("count").textContent = `${shown} of ${rows.length} paths`;
    byId("nothing").hidden = shown > 0;
  };

  const mark = (path) => {
    for (const { arrow, paths } of arrows) arrow.classList.toggle("marked", path !== undefined && paths.includes(path));
  };

  if (rows.length) {
    byId("search").addEventListener("input", debounced(filter));
    byId("state").addEventListener("change", filter);
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    const list = byId("chains");
    for (const event of ["mouseover", "focusin"]) list.addEventListener(event, (moved) => mark(moved.target.closest("#chains > li")?.dataset.path));
    for (const event of ["mouseleave", "focusout"]) list.addEventListener(event, () => mark(undefined));
    filter();
  }
  byId("print").addEventListener("click", () => print());
  followTheme(byId("theme"));
})();
