// Filters, sorts, groups and copies what the page holds; without this script the page shows everything.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const table = byId("table");
  const filters = ["status", "severity", "section", "account", "region", "change"];
  const severities = ["critical", "high", "medium", "low", "info"];
  const statuses = ["fail", "unknown", "manual", "pass", "not_applicable"];
  const names = new Intl.Collator("en", { numeric: true });
  const columns = table.querySelectorAll("thead th").length;
  const rows = [];
  // As rendered: grouped by section, worst first.
  let groups = Array.from(table.tBodies, (body) => ({
    body,
    shown: body.querySelector(".group .of"),
    rows: Array.from(body.querySelectorAll("tr[data-status]"), (row) => {
      rows.push({ row, at: rows.length, data: row.dataset, text: "" });
      return rows[rows.length - 1];
    }),
  }));
  let sorted = { by: "", down: false };

  for (const control of document.querySelectorAll("[data-script]")) control.hidden = false;

  const keys = {
    status: (entry) => statuses.indexOf(entry.data.status) + (entry.data.muted ? 10 : 0),
    severity: (entry) => severities.indexOf(entry.data.severity),
    control: (entry) => entry.data.number,
    resource: (entry) => entry.data.resource,
    region: (entry) => entry.data.region,
    account: (entry) => entry.data.account,
  };

  const compare = (a, b) => {
    const key = keys[sorted.by];
    if (!key) return a.at - b.at;
    const [left, right] = [key(a), key(b)];
    const order = typeof left === "number" ? left - right : names.compare(left, right);
    return (sorted.down ? -order : order) || a.at - b.at;
  };

  const labels = {
    section: (entry) => entry.data.section,
    account: (entry) => `Account ${entry.data.account}`,
    control: (entry) => entry.data.control,
    none: () => "",
  };

  const newGroup = (label) => {
    const body = document.createElement("tbody");
    const group = { body, shown: null, rows: [] };
    if (label) {
      const row = body.insertRow();
      row.className = "group";
      const head = document.createElement("th");
      head.scope = "rowgroup";
      head.colSpan = columns;
      head.append(label);
      group.shown = document.createElement("span");
      group.shown.className = "of";
      head.append(group.shown);
      row.append(head);
    }
    return group;
  };

  const arrange = () => {
    const label = labels[byId("group").value];
    const byName = new Map();
    // Groups are ordered by name, whatever the rows are sorted by.
    const all = rows.map((entry) => label(entry));
    for (const name of [...new Set(all)].sort(names.compare)) byName.set(name, newGroup(name));
    for (const entry of [...rows].sort(compare)) {
      const group = byName.get(all[entry.at]);
      group.rows.push(entry);
      group.body.append(entry.row);
    }
    groups = [...byName.values()];
    for (const old of table.querySelectorAll("tbody")) old.remove();
    table.append(...groups.map((group) => group.body));
    filter();
  };

  const fitsFilters = (entry, chosen, words) => {
    for (const name of filters) {
      const want = chosen[name];
      if (!want) continue;
      if (name === "change" && want === "still_open") {
        // Muted findings count too: an accepted failure is still open.
        if (entry.data.change !== "same" || entry.data.status !== "fail") return false;
        continue;
      }
      if (want === "muted" ? !entry.data.muted : entry.data[name] !== want) return false;
      if (name === "status" && want !== "muted" && entry.data.muted) return false;
    }
    if (words.length && !entry.text) entry.text = entry.row.textContent.toLowerCase();
    return words.every((word) => entry.text.includes(word));
  };

  const filter = () => {
    const chosen = {};
    for (const name of filters) chosen[name] = byId(name) ? byId(name).value : "";
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const group of groups) {
      let here = 0;
      for (const entry of group.rows) {
        const fits = fitsFilters(entry, chosen, words);
        entry.row.hidden = !fits;
        here += fits ? 1 : 0;
      }
      group.body.hidden = here === 0;
      if (group.shown) group.shown.textContent = here === 1 ? "1 finding" : `${here} findings`;
      shown += here;
    }
    byId("count").textContent = `${shown} of ${rows.length} findings`;
    byId("nothing").hidden = shown > 0;
  };

  const debounced = (act) => {
    let waiting = 0;
    return () => {
      clearTimeout(waiting);
      waiting = setTimeout(act, 120);
    };
  };

  const reset = () => {
    for (const name of [...filters, "search"]) if (byId(name)) byId(name).value = "";
  };

  const choose = (name, value) => {
    const field = byId(name);
    // A select ignores a value that it does not offer, and would show "all".
    if (field.options && !Array.from(field.options).some((option) => option.value === value)) {
      field.add(new Option(value.replaceAll("_", " "), value));
    }
    field.value = value;
  };

  const copy = async (button) => {
    const done = await copied(button.parentElement.querySelector("code"));
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    byId("said").textContent = done ? "Copied to the clipboard" : "Selected: copy it with Ctrl+C";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };

  for (const head of table.querySelectorAll("th[data-sort]")) {
    head.querySelector("button").addEventListener("click", () => {
      sorted = { by: head.dataset.sort, down: sorted.by === head.dataset.sort && !sorted.down };
      for (const other of table.querySelectorAll("th[data-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      arrange();
    });
  }
  for (const name of filters) if (byId(name)) byId(name).addEventListener("change", filter);
  byId("search").addEventListener("input", debounced(filter));
  byId("group").addEventListener("change", arrange);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("reset").addEventListener("click", () => { reset(); filter(); byId("search").focus(); });
  byId("print").addEventListener("click", () => print());
  byId("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = getComputedStyle(root).colorScheme === "dark"
      || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = dark ? "light" : "dark";
    byId("theme").setAttribute("aria-pressed", String(!dark));
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-filter]");
    if (link) {
      reset();
      for (const [name, value] of new URLSearchParams(link.dataset.filter)) choose(name, value);
      filter();
    }
    const button = event.target.closest("button[data-copy]");
    if (button) copy(button);
  });

  byId("theme").setAttribute("aria-pressed", String(matchMedia("(prefers-color-scheme: dark)").matches));
  filter();
})();
