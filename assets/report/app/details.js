// Everything else that an answer holds: its facts, its files, its sources, the next calls.
const COMMANDS = ["fix", "look_at"];
const MOST_COLUMNS = 20;
const MOST_COLUMNS_OF_A_TABLE = 6;
const FEW_COLUMNS = 3;

const cell = (name, value, row) => {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value))
    return value.length
      ? value.map((item) => (typeof item === "object" ? JSON.stringify(item) : String(item))).join(", ")
      : "–";
  if (isObject(value))
    return (
      Object.entries(value)
        .map(([key, item]) => `${words(key)}: ${typeof item === "object" ? JSON.stringify(item) : item}`)
        .join("; ") || "–"
    );
  if (COMMANDS.includes(name)) return copyable(String(value));
  if (name === "severity") return severityBadge(value, row.status);
  if (name === "status") return badge(String(value));
  if (name === "key" && row !== app.view.answer.facts)
    return control(String(value), value, { class: "plain" }) || el("code", {}, value);
  if (name === "key") return el("code", {}, value);
  return String(value).startsWith("arn:") ? el("code", {}, value) : named(value);
};

const isEmpty = (value) =>
  value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length);

const isTable = (value) => Array.isArray(value) && value.every(isObject);

const table = (name, rows) => {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
    .filter((column) => rows.some((row) => !isEmpty(row[column])))
    .slice(0, MOST_COLUMNS);
  if (columns.length === 1)
    return el("ul", {}, ...rows.map((row) => el("li", {}, cell(columns[0], row[columns[0]], row))));
  const layout =
    columns.length > MOST_COLUMNS_OF_A_TABLE
      ? "rows many"
      : columns.length <= FEW_COLUMNS
        ? "rows few"
        : "rows";
  const body = el("tbody");
  const search = el("input", { type: "search", autocomplete: "off" });
  const more = button("Show more", () => {
    shown += 2 * STEP;
    fill();
  });
  let shown = 2 * STEP;
  const fill = () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = rows.filter((row) => {
      const text = JSON.stringify(row).toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
    body.replaceChildren(
      ...fitting
        .slice(0, shown)
        .map((row) =>
          el(
            "tr",
            {},
            ...columns.map((column) =>
              el("td", { "data-label": words(column) }, el("div", {}, cell(column, row[column], row))),
            ),
          ),
        ),
    );
    more.hidden = fitting.length <= shown;
  };
  search.addEventListener("input", fill);
  fill();
  return el(
    "div",
    {},
    rows.length > STEP &&
      el("p", { class: "controls" }, el("label", { class: "search" }, `Search in ${words(name)}`, search)),
    el(
      "div",
      { class: "scroll", role: "region", tabindex: "0", "aria-label": `${words(name)}, table` },
      el(
        "table",
        { class: layout },
        el("thead", {}, el("tr", {}, ...columns.map((column) => el("th", { scope: "col" }, words(column))))),
        body,
      ),
    ),
    more,
  );
};

const APART = ["benchmark", "account", "regions", "collected_at", "score", "not_judged", ...UNREAD];

const factCards = () => {
  const { facts } = app.view.answer;
  const names = Object.keys(facts).filter(
    (name) =>
      !APART.includes(name) &&
      !isEmpty(facts[name]) &&
      !(name === "sections" && facts.score) &&
      !(DRAWN_FACTS.includes(name) && listOf(facts[name]).some((row) => hopsOf(row).length || row.closes)),
  );
  const plain = names.filter((name) => !isTable(facts[name]));
  const list = el(
    "dl",
    {},
    ...plain.map((name) => [
      el("dt", {}, sentence(words(name))),
      el("dd", {}, cell(name, facts[name], facts)),
    ]),
  );
  return [
    plain.length > 0 && card("Details", list),
    ...names
      .filter((name) => isTable(facts[name]))
      .map((name) => card(sentence(words(name)), table(name, facts[name]))),
  ];
};

const filesCard = () =>
  app.view.files.length > 0 &&
  card(
    "Files",
    ...app.view.files.map((file) => {
      const size = Number(file.bytes) ? ` ${counted(Number(file.bytes), "byte")}` : "";
      const checked = file.checked_by ? `, checked by ${file.checked_by}` : "";
      return el(
        "div",
        { class: "file" },
        el("h3", {}, el("code", {}, file.name), `${size}${checked}`),
        file.content
          ? copyable(String(file.content), MOST_FILE, download(file))
          : file.uri && reader(String(file.uri), String(file.name), download(file)),
      );
    }),
  );

const sourceItem = (source) => {
  const page = /^aws-iam:\/\/references\/([\w-]+)(?:#([\w-]+))?$/.exec(source);
  if (!page) return link(source, source) || String(source);
  const name = sentence(`${(page[2] || page[1]).replaceAll("-", " ")}`);
  return [`${name} `, reader(source, name)];
};

const sourcesCard = () => {
  const sources = listOf(app.view.answer.sources).map(String);
  return (
    sources.length > 0 &&
    card(
      "Sources",
      el("ul", { class: "sources" }, ...sources.map((source) => el("li", {}, sourceItem(source)))),
    )
  );
};

const callButton = (next, label) => {
  const input = { ...next.arguments };
  for (const name of listOf(next.same)) if (name in app.view.input) input[name] = app.view.input[name];
  return button(label, (pressed) => openCall(input, pressed));
};

const nextCard = () => {
  const calls = listOf(app.view.answer.next).filter(
    (next) => isObject(next) && next.tool === "audit" && ACTIONS[objectOf(next.arguments).action],
  );
  if (!calls.length || !app.abilities.serverTools) return null;
  return card(
    "Next",
    el(
      "ul",
      { class: "next" },
      ...calls.map((next) =>
        el("li", {}, callButton(next, ACTIONS[next.arguments.action]), " ", named(next.why || "")),
      ),
    ),
  );
};
