// The answer that is shown, and what follows from it.
const ACTIONS = {
  run: "Audit",
  report: "Audit report",
  control: "Control",
  checklist: "Checklist",
  cloudtrail: "CloudTrail",
  access_analyzer: "IAM Access Analyzer",
  principals: "Users and roles",
  access: "Access",
};
const STEP = 20;

const app = {
  view: { input: {} },
  // What "Back" gives again.
  earlier: [],
  context: {},
  abilities: {},
  waitingFor: "the answer of the tool",
};

const textOf = (result) =>
  listOf(result.content)
    .filter((part) => part && part.type === "text")
    .map((part) => String(part.text))
    .join("\n");

const viewOf = (input, result) => {
  const answer = { ...objectOf(result.structuredContent) };
  answer.facts = objectOf(answer.facts);
  return {
    input: objectOf(input),
    answer: isObject(result.structuredContent) ? answer : null,
    text: textOf(result),
    failed: Boolean(result.isError),
    findings: listOf(answer.findings).filter(isObject),
    files: listOf(answer.artifacts).filter(isObject),
    cursor: answer.next_cursor,
    chosen: { status: "", severity: "", section: "", search: "" },
    shown: STEP,
  };
};

const merged = (facts, more) => {
  const together = { ...facts };
  for (const [name, value] of Object.entries(more)) {
    const before = together[name];
    if (Array.isArray(before) && Array.isArray(value)) together[name] = [...before, ...value];
    else if (isObject(before) && isObject(value)) together[name] = { ...before, ...value };
    else together[name] = value;
  }
  return together;
};

const totalOf = (of) => {
  const counts = objectOf(of.answer.counts);
  const byStatus = Object.values(objectOf(counts.status)).reduce((sum, count) => sum + Number(count), 0);
  return Math.max(byStatus + Number(counts.muted || 0), of.findings.length);
};

// A report's findings are in its file.
const missing = (of) => (of.answer.action === "report" ? 0 : totalOf(of) - of.findings.length);

const cisNumberOf = (finding) => String(objectOf(finding.controls)[app.view.answer.facts.benchmark] || "");

// The ids in the framework that the answer shows.
const numberOf = (finding) => {
  const { name } = objectOf(app.view.answer.facts.framework);
  if (!name) return cisNumberOf(finding);
  const ids = listOf(objectOf(finding.frameworks)[name]).map(String);
  return [...ids.slice(0, 3), ...(ids.length > 3 ? [`+${ids.length - 3}`] : [])].join(", ");
};

const sectionOf = (finding) => {
  const first = cisNumberOf(finding).split(".")[0];
  const row = listOf(app.view.answer.facts.sections).find(
    (section) => String(section.section).split(" ")[0] === first,
  );
  return first && row ? String(row.section) : "other";
};

const controlTotals = () => {
  const totals = Object.fromEntries([...STATUSES, "muted"].map((status) => [status, 0]));
  for (const row of listOf(app.view.answer.facts.sections)) {
    for (const status of [...STATUSES, "muted"]) totals[status] += Number(objectOf(row)[status] || 0);
  }
  return totals;
};
