// Attack paths: who gets there, by which steps, and what to take away first.
const DRAWN_FACTS = ["paths", "becomes", "cuts", "outsiders"];
const MOST_CUTS = 5;

const shortName = (arn) => (arn === "*" ? "everyone" : String(arn).split(":").pop());

const hopsOf = (row) => listOf(row.hops).filter(isObject);

const codes = (names) => listOf(names).flatMap((name, at) => [at ? ", " : "", el("code", {}, name)]);

const stepOf = (hop) => {
  const changesItself = hop.from === hop.to;
  const given = [...listOf(hop.conditions), ...listOf(hop.assuming)];
  return [
    " ",
    codes(hop.actions),
    changesItself ? " on itself" : [" → ", el("bdi", {}, el("b", {}, shortName(hop.to)))],
    given.length > 0 && el("span", { class: "why" }, " if ", named(given.join("; "))),
    hop.why && el("span", { class: "why" }, " unknown: ", named(hop.why)),
  ];
};

const pathItem = (row) => {
  const hops = hopsOf(row);
  return el(
    "li",
    {},
    el("bdi", {}, el("b", {}, shortName(hops[0].from))),
    ...hops.map((hop) => el("span", {}, ...stepOf(hop).flat(2))),
    row.administrator && [" ", el("span", { class: "badge critical" }, "administrator")],
    hops.some((hop) => hop.why) && [" ", badge("unknown")],
  );
};

const cutItem = (cut) =>
  el(
    "li",
    {},
    cut.statement
      ? ["the statement ", el("code", {}, cut.statement)]
      : [
          codes(cut.actions),
          " from ",
          el("bdi", {}, shortName(cut.from)),
          " to ",
          el("bdi", {}, shortName(cut.to)),
        ],
    `: closes ${counted(Number(cut.closes), "path")}, stops ${counted(Number(cut.stops), "principal")}`,
  );

const pathsCards = () => {
  const { facts } = app.view.answer;
  const paths = [...listOf(facts.paths), ...listOf(facts.becomes), ...listOf(facts.outsiders)].filter(
    (row) => isObject(row) && hopsOf(row).length,
  );
  if (!paths.length) return [];
  const cuts = listOf(facts.cuts).filter(isObject).slice(0, MOST_CUTS);
  const list = el("ol", { class: "paths" });
  let shown = STEP;
  const more = button("Show more", () => {
    shown += STEP;
    fill();
  });
  const fill = () => {
    list.replaceChildren(...paths.slice(0, shown).map(pathItem));
    more.hidden = paths.length <= shown;
  };
  fill();
  return [
    card(facts.to === "admin" ? "Paths to administrator" : "Paths", list, more),
    cuts.length > 0 && card("What closes most paths", el("ul", {}, ...cuts.map(cutItem))),
  ];
};

// The paths are looked for when somebody asks for them: a run judges controls.
const pathsOfRun = () => {
  const next = listOf(app.view.answer.next).find((call) => objectOf(objectOf(call).arguments).to === "admin");
  if (app.view.answer.action !== "run" || !next || !app.abilities.serverTools) return null;
  return card("Paths to administrator", callButton(next, "Who can become an administrator, and how"));
};
