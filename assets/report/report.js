// Filters, sorts, groups and copies what the page holds; without this script the page shows everything.
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const table = byId("table");
  const filters = ["status", "severity", "section", "account", "region", "change"];
  const severities = ["critical", "high", "medium", "low", "info"];
  const statuses = ["fail", "unknown", "manual", "pass", "not_applicable"];
  const names = new Intl.Collator("en", { numeric: true });
  for (const control of document.querySelectorAll("[data-script]")) control.hidden = false;
  const columns = table.querySelectorAll("thead th").length;
  for (const head of table.querySelectorAll(".group th")) head.colSpan = columns;
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

  // Who mends a finding, and until when: fields of the page alone. Made when a row is first seen: there may be thousands.
  const plan = (entry) => {
    if (entry.plan) return;
    const cell = entry.row.insertCell();
    cell.className = "plan";
    const field = (type, label) => {
      const input = document.createElement("input");
      input.type = type;
      input.setAttribute("aria-label", `${label} of ${entry.data.number} ${entry.data.resource}`);
      input.autocomplete = "off";
      cell.append(input);
      return input;
    };
    entry.plan = { owner: field("text", "Owner"), due: field("date", "Due date") };
    entry.plan.owner.placeholder = "owner";
    entry.plan.due.addEventListener("change", () => entry.plan.due.toggleAttribute("data-set", entry.plan.due.value !== ""));
  };

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
        if (fits) plan(entry);
        here += fits ? 1 : 0;
      }
      group.body.hidden = here === 0;
      if (group.shown) group.shown.textContent = here === 1 ? "1 finding" : `${here} findings`;
      shown += here;
    }
    byId("count").textContent = `${shown} of ${rows.length} findings`;
    byId("nothing").hidden = shown > 0;
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

  // A spreadsheet takes a cell that begins with one of these for a formula.
  const cell = (value) => `"${(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value).replaceAll('"', '""')}"`;

  const exported = () => {
    const head = ["status", "severity", "number", "control", "finding", "resource", "region", "account", "owner", "due"];
    const lines = groups.flatMap((group) => group.rows).filter((entry) => !entry.row.hidden).map((entry) => [
      entry.data.muted ? "muted" : entry.data.status, entry.data.severity, entry.data.number,
      entry.row.querySelector("code.key").textContent, entry.row.querySelector(".said").textContent,
      entry.data.resource, entry.data.region, entry.data.account, entry.plan.owner.value, entry.plan.due.value,
    ]);
    return [head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
  };

  const save = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", exported()], { type: "text/csv;charset=utf-8" }));
    link.download = "findings.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
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
  byId("export").addEventListener("click", save);
  byId("print").addEventListener("click", () => print());
  followTheme(byId("theme"));
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

  // The page opens on what fails; where nothing does, on everything.
  if (rows.some((entry) => entry.data.status === "fail" && !entry.data.muted)) choose("status", "fail");
  filter();
})();
