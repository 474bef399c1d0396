// A run at a glance: score, sections, what to fix first, what was not judged.
const MOST_FIRST = 5;
// Facts of what could not be read or was not tried.
const UNREAD = ["not_read", "regions_not_judged", "not_all_asked"];

// What the score means: nothing is good while something critical is open. As in the HTML report.
const graded = (score, severities) => {
  if (typeof score !== "number" || score < 0.5 || severities.critical) return "poor";
  return score >= 0.9 && !severities.high ? "good" : "fair";
};

const ring = (score, faint, grade) => {
  const value = typeof score === "number" ? score : null;
  const shown = value === null ? "–" : `${Math.round(value * 100)}%`;
  const spoken = value === null ? "nothing could be evaluated" : `${shown} of the controls pass`;
  return svg(
    "svg",
    {
      class: faint ? `ring ${grade} faint` : `ring ${grade}`,
      viewBox: "0 0 128 128",
      role: "img",
      "aria-label": `Score: ${spoken}`,
    },
    svg("circle", { class: "track", cx: 64, cy: 64, r: 54 }),
    value
      ? svg("circle", {
          class: "done",
          cx: 64,
          cy: 64,
          r: 54,
          pathLength: 100,
          "stroke-dasharray": `${value * 100} 100`,
        })
      : null,
    svg("text", { x: 64, y: 71 }, shown),
    svg("text", { class: "label", x: 64, y: 89 }, `score: ${grade}`),
  );
};

const bar = (row) => {
  const order = ["pass", "fail", "unknown", "manual", "not_applicable"];
  const total = order.reduce((sum, status) => sum + Number(row[status] || 0), 0) || 1;
  let x = 0;
  const parts = order.map((status) => {
    const width = (Number(row[status] || 0) * 100) / total;
    x += width;
    return svg("rect", { class: status, x: x - width, width, height: 8 });
  });
  return svg(
    "svg",
    { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
    ...parts,
  );
};

const scoreCard = () => {
  const totals = controlTotals();
  const evaluated = totals.pass + totals.fail;
  const score = objectOf(app.view.answer.facts.score);
  const apart = Number(score.not_evaluated || 0);
  const severities = objectOf(objectOf(app.view.answer.counts).severity);
  const failed = Object.values(severities).reduce((sum, count) => sum + Number(count), 0);
  const listed = app.view.answer.action === "run";
  return card(
    "Controls",
    el(
      "div",
      { class: "scored" },
      ring(score.overall, totals.unknown > evaluated, graded(score.overall, severities)),
      el(
        "div",
        {},
        el(
          "ul",
          { class: "totals" },
          ...[...STATUSES, ...(totals.muted ? ["muted"] : [])].map((status) =>
            el("li", { class: status }, el("b", {}, totals[status]), " ", words(status)),
          ),
        ),
        el(
          "p",
          { class: "meta" },
          `${totals.pass} of ${counted(evaluated, "evaluated control")} pass; ${apart} ${apart === 1 ? "was" : "were"} not evaluated.`,
        ),
      ),
    ),
    failed > 0 &&
      el(
        "p",
        { class: "chips" },
        `${counted(failed, "failed finding")}: `,
        ...SEVERITIES.filter((severity) => severities[severity]).map((severity) => {
          const label = `${severities[severity]} ${severity}`;
          return listed
            ? button(label, () => choose({ status: "fail", severity }), { class: `chip ${severity}` })
            : el("span", { class: `chip ${severity}` }, label);
        }),
      ),
    sectionTable(listed),
  );
};

const sectionTable = (listed) => {
  const columns = ["pass", "fail", "unknown", "manual", "not_applicable"];
  const rows = listOf(app.view.answer.facts.sections).filter(isObject);
  return el(
    "div",
    { class: "scroll", role: "region", tabindex: "0", "aria-label": "Controls by section" },
    el(
      "table",
      { class: "numbers" },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          el("th", { scope: "col" }, "Section"),
          el("th", { scope: "col" }, el("span", { class: "unseen" }, "Shares")),
          ...columns.map((status) =>
            el(
              "th",
              { scope: "col", class: `c-${status}` },
              status === "not_applicable" ? el("abbr", { title: "not applicable" }, "n/a") : words(status),
            ),
          ),
          el("th", { scope: "col" }, "score"),
        ),
      ),
      el(
        "tbody",
        {},
        ...rows.map((row) =>
          el(
            "tr",
            {},
            el(
              "th",
              { scope: "row" },
              listed
                ? button(String(row.section), () => choose({ section: String(row.section) }), {
                    class: "plain",
                  })
                : row.section,
            ),
            el("td", { class: "wide" }, bar(row)),
            ...columns.map((status) =>
              el(
                "td",
                { class: Number(row[status]) ? `c-${status}` : `c-${status} zero` },
                String(row[status] || 0),
              ),
            ),
            el("td", {}, typeof row.score === "number" ? `${Math.round(row.score * 100)}%` : "–"),
          ),
        ),
      ),
    ),
  );
};

const firstCard = () => {
  const byControl = new Map();
  for (const finding of app.view.findings) {
    if (finding.status !== "fail" || finding.muted !== undefined) continue;
    byControl.set(finding.code, [...(byControl.get(finding.code) || []), finding]);
  }
  const controls = [...byControl.values()].slice(0, MOST_FIRST);
  if (app.view.input.cursor) return null;
  if (!controls.length) {
    const failed = controlTotals().fail;
    return card(
      "Fix first",
      el(
        "p",
        {},
        failed
          ? `${counted(failed, "control")} failed, but this answer leaves the findings out.`
          : "No control is known to fail.",
      ),
    );
  }
  return card(
    "Fix first",
    el(
      "ol",
      { class: "first" },
      ...controls.map((findings) => {
        const worst = findings[0];
        const many = missing(app.view) || findings.length === 1 ? "" : counted(findings.length, "finding");
        return el(
          "li",
          {},
          badge(String(worst.severity)),
          el(
            "span",
            {},
            button(
              [numberOf(worst), " ", el("bdi", {}, named(sentence(String(worst.message || worst.title))))],
              () => choose({ status: "fail", search: String(worst.code) }),
              { class: "plain" },
            ),
          ),
          el("span", { class: "of" }, many),
        );
      }),
    ),
  );
};

const notJudged = () => {
  const { facts, counts } = app.view.answer;
  const sentences = listOf(facts.not_judged).map(String);
  const unknown = app.view.findings.filter((finding) => finding.status === "unknown");
  const reasons = [...new Set(unknown.map((finding) => String(finding.reason || finding.message)))];
  const unread = UNREAD.filter((name) => !isEmpty(facts[name]));
  const some = unknown.length || Number(objectOf(objectOf(counts).status).unknown);
  if (!sentences.length && !unread.length && !some) return null;
  if (!sentences.length) sentences.push("Some of this could not be judged. `unknown` does not mean pass.");
  const listed = reasons.slice(0, MOST_FIRST);
  return notice(
    el("h2", {}, "Not judged or left out"),
    ...sentences.map((text) => el("p", {}, named(sentence(text)))),
    listed.length > 0 && el("ul", {}, ...listed.map((reason) => el("li", {}, named(reason)))),
    reasons.length > listed.length &&
      el("p", {}, `and ${counted(reasons.length - listed.length, "more reason")}, each with its finding.`),
    ...unread.map((name) => [
      el("h3", {}, sentence(words(name))),
      isTable(facts[name]) ? table(name, facts[name]) : el("p", {}, cell(name, facts[name], facts)),
    ]),
  );
};
