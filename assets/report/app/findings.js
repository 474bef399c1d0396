// The findings, their filters and what each of them offers.
let update = () => {};
let choose = () => {};

const findingItem = (finding, at) => {
  const id = `finding-${at}`;
  const number = numberOf(finding);
  const source = link(String(finding.source || ""), "AWS documentation");
  const fix = finding.status === "fail" && finding.fix ? String(finding.fix) : "";
  const more = [
    fix && copyable(fix),
    el("p", { class: "why" }, finding.title, " ", el("code", {}, finding.code)),
    el(
      "p",
      { class: "actions" },
      finding.controls && control(String(finding.code), "What it checks"),
      " ",
      source,
    ),
  ];
  return el(
    "li",
    { class: finding.muted === undefined ? "finding" : "finding is-muted" },
    el(
      "div",
      { class: "marks" },
      badge(String(finding.status)),
      finding.muted !== undefined && badge("muted"),
      severityBadge(finding.severity, finding.status),
      finding.change && finding.change !== "same" && badge(String(finding.change)),
      button("Explain", (pressed) => explain(finding, pressed), { "aria-describedby": id }),
    ),
    el(
      "p",
      { class: "said", id },
      number && el("span", { class: "number" }, number),
      " ",
      el("bdi", {}, named(sentence(String(finding.message || finding.title || "")))),
    ),
    finding.resource &&
      el(
        "p",
        { class: "where" },
        el("bdi", {}, el("code", {}, finding.resource)),
        finding.region && ` ${finding.region}`,
      ),
    finding.reason && el("p", { class: "why" }, "Why unknown: ", named(finding.reason)),
    finding.muted !== undefined && el("p", { class: "why" }, "Muted: ", el("bdi", {}, finding.muted)),
    el("details", {}, el("summary", {}, fix ? "How to fix it" : "More"), ...more),
  );
};

const fits = (finding, chosen, search) => {
  const muted = finding.muted !== undefined;
  if (chosen.status === "muted" ? !muted : chosen.status && (finding.status !== chosen.status || muted))
    return false;
  if (chosen.severity && finding.severity !== chosen.severity) return false;
  if (chosen.section && sectionOf(finding) !== chosen.section) return false;
  if (!search.length) return true;
  const text = [
    finding.code,
    finding.title,
    finding.message,
    finding.resource,
    finding.region,
    finding.fix,
    numberOf(finding),
  ]
    .join(" ")
    .toLowerCase();
  return search.every((word) => text.includes(word));
};

const choice = (name, label, values) => {
  const select = el(
    "select",
    { id: name },
    el("option", { value: "" }, "all"),
    ...values.map((value) => el("option", { value }, words(value))),
  );
  select.value = app.view.chosen[name];
  select.addEventListener("change", () => {
    app.view.chosen[name] = select.value;
    app.view.shown = STEP;
    update();
  });
  return values.length > 1 && el("label", {}, label, select);
};

const findingsCard = () => {
  if (!app.view.findings.length && !totalOf(app.view)) return null;
  if (app.view.answer.action === "report") return null;
  const having = (order, of) =>
    order.filter((value) => app.view.findings.some((finding) => of(finding) === value));
  const statuses = having(STATUSES, (finding) => finding.status);
  if (app.view.findings.some((finding) => finding.muted !== undefined)) statuses.push("muted");
  const sections = app.view.answer.facts.score ? [...new Set(app.view.findings.map(sectionOf))].sort() : [];
  const search = el("input", { type: "search", id: "search", autocomplete: "off" });
  search.value = app.view.chosen.search;
  search.addEventListener("input", () => {
    app.view.chosen.search = search.value;
    app.view.shown = STEP;
    update();
  });
  const reset = button("Show all", () => choose({}));
  const form = el(
    "form",
    { class: "controls", role: "search", "aria-label": "Filter the findings" },
    el("label", { class: "search" }, "Search", search),
    choice("status", "Status", statuses),
    choice(
      "severity",
      "Severity",
      having(SEVERITIES, (finding) => finding.severity),
    ),
    choice("section", "Section", sections),
    reset,
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  const count = el("p", { class: "count", role: "status" });
  const list = el("ol", { class: "findings" });
  const more = button("Show more", () => {
    const from = list.children.length;
    app.view.shown += STEP;
    update();
    const next = list.children[from];
    if (next) next.querySelector("summary").focus();
  });
  update = () => {
    const wanted = app.view.chosen.search.toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = app.view.findings.filter((finding) => fits(finding, app.view.chosen, wanted));
    list.replaceChildren(...fitting.slice(0, app.view.shown).map(findingItem));
    const left = missing(app.view);
    const unseen = left > 0 ? `; ${left.toLocaleString("en")} more are not loaded` : "";
    count.textContent =
      fitting.length || !app.view.findings.length
        ? `${fitting.length} of ${counted(app.view.findings.length, left > 0 ? "loaded finding" : "finding")}${fitting.length > app.view.shown ? `, ${app.view.shown} shown` : ""}${unseen}`
        : `No ${left > 0 ? "loaded " : ""}finding fits the filters${unseen}`;
    more.hidden = fitting.length <= app.view.shown;
  };
  choose = (chosen) => {
    app.view.chosen = { status: "", severity: "", section: "", search: "", ...chosen };
    app.view.shown = STEP;
    render();
    focus("#card-findings");
  };
  update();
  return card("Findings", rest(), form, count, list, more);
};
