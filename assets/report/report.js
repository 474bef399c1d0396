// Filters, sorts, groups and copies what the page already holds; without it the page shows everything.
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
  // As the page comes: grouped by section, the worst first.
  let groups = Array.from(table.tBodies, (body) => ({
    body,
    shown: body.querySelector(".group .of"),
    rows: Array.from(body.querySelectorAll("tr[data-status]"), (row) => {
      rows.push({ row, at: rows.length, data: row.dataset, text: "" });
      return rows[rows.length - 1];
    }),
  }));
  let sorted = { by: "", down: false };

  for (const each of document.querySelectorAll("[data-script]")) each.hidden = false;

  const keys = {
    status: (each) => statuses.indexOf(each.data.status) + (each.data.muted ? 10 : 0),
    severity: (each) => severities.indexOf(each.data.severity),
    control: (each) => each.data.number,
    resource: (each) => each.data.resource,
    region: (each) => each.data.region,
    account: (each) => each.data.account,
  };

  const compared = (a, b) => {
    const key = keys[sorted.by];
    if (!key) return a.at - b.at;
    const [left, right] = [key(a), key(b)];
    const order = typeof left === "number" ? left - right : names.compare(left, right);
    return (sorted.down ? -order : order) || a.at - b.at;
  };

  const labelled = {
    section: (each) => each.data.section,
    account: (each) => `Account ${each.data.account}`,
    control: (each) => each.data.control,
    none: () => "",
  };

  const begun = (label) => {
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
    const label = labelled[byId("group").value];
    const made = new Map();
    // Groups keep their own order, whatever the rows are sorted by.
    const all = rows.map((each) => label(each));
    for (const name of [...new Set(all)].sort(names.compare)) made.set(name, begun(name));
    for (const each of [...rows].sort(compared)) {
      const group = made.get(all[each.at]);
      group.rows.push(each);
      group.body.append(each.row);
    }
    groups = [...made.values()];
    for (const old of table.querySelectorAll("tbody")) old.remove();
    table.append(...groups.map((each) => each.body));
    filter();
  };

  const wanted = (each, chosen, words) => {
    for (const name of filters) {
      const want = chosen[name];
      if (!want) continue;
      if (name === "change" && want === "still_open") {
        // Muted or not: what is accepted is open still.
        if (each.data.change !== "same" || each.data.status !== "fail") return false;
        continue;
      }
      if (want === "muted" ? !each.data.muted : each.data[name] !== want) return false;
      if (name === "status" && want !== "muted" && each.data.muted) return false;
    }
    if (words.length && !each.text) each.text = each.row.textContent.toLowerCase();
    return words.every((word) => each.text.includes(word));
  };

  const filter = () => {
    const chosen = {};
    for (const name of filters) chosen[name] = byId(name) ? byId(name).value : "";
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const group of groups) {
      let here = 0;
      for (const each of group.rows) {
        const fits = wanted(each, chosen, words);
        each.row.hidden = !fits;
        here += fits ? 1 : 0;
      }
      group.body.hidden = here === 0;
      if (group.shown) group.shown.textContent = here === 1 ? "1 finding" : `${here} findings`;
      shown += here;
    }
    byId("count").textContent = `${shown} of ${rows.length} findings`;
    byId("nothing").hidden = shown > 0;
  };

  const later = (act) => {
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
    // A list takes no value that it does not offer: it would become "all".
    if (field.options && !Array.from(field.options).some((each) => each.value === value)) {
      field.add(new Option(value.replaceAll("_", " "), value));
    }
    field.value = value;
  };

  const copied = async (button) => {
    const text = button.parentElement.querySelector("code").textContent;
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // A page that was opened from a file may have no clipboard: the older way needs a selection.
      getSelection().selectAllChildren(button.parentElement.querySelector("code"));
      done = document.execCommand("copy");
    }
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
  byId("search").addEventListener("input", later(filter));
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
    if (button) copied(button);
  });

  byId("theme").setAttribute("aria-pressed", String(matchMedia("(prefers-color-scheme: dark)").matches));
  filter();
})();
