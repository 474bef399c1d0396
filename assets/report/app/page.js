// The page as a whole, and the messages that change it.
const version = document.currentScript.dataset.version;

const title = () => {
  const { facts, action, summary, as_of: asOf } = app.view.answer;
  const read = facts.collected_at
    ? `read ${String(facts.collected_at)
        .replace("T", " ")
        .replace(/:\d\d\+00:00$/, " UTC")}`
    : "";
  const meta = [facts.regions, read, asOf && `data as of ${asOf}`].filter(Boolean).join(", ");
  const heading = facts.score ? `Account ${facts.account || "unknown"}` : ACTIONS[action];
  const about = [
    facts.benchmark && `CIS AWS Foundations Benchmark ${facts.benchmark}`,
    !facts.score && facts.account && `account ${facts.account}`,
  ]
    .filter(Boolean)
    .join(", ");
  const full =
    listOf(app.context.availableDisplayModes).includes("fullscreen") &&
    app.context.displayMode !== "fullscreen";
  return el(
    "header",
    {},
    el(
      "div",
      {},
      about && el("p", { class: "over" }, about),
      el("h1", { tabindex: "-1" }, el("bdi", {}, heading)),
      meta && el("p", { class: "meta" }, meta),
    ),
    el(
      "div",
      { class: "actions" },
      app.earlier.length > 0 &&
        button("Back", () => {
          app.view = app.earlier.pop();
          render();
          focus("h1");
        }),
      full &&
        button("Full screen", () =>
          host
            .request("ui/request-display-mode", { mode: "fullscreen" })
            .catch(() => say("The host has no full screen")),
        ),
    ),
    facts.score ? null : el("p", { class: "summary" }, named(summary || "")),
  );
};

const drawn = () => {
  if (!app.view.answer && app.view.text === undefined)
    return [el("p", { class: "meta" }, `Waiting for ${app.waitingFor} …`)];
  if (app.view.failed)
    return [
      notice(
        el("h1", { tabindex: "-1" }, "The call failed"),
        el("p", {}, named(app.view.text || "The tool gave no reason.")),
      ),
    ];
  if (!app.view.answer)
    return [
      notice(
        el("h1", { tabindex: "-1" }, "No view for this answer"),
        copyable(app.view.text || "The host passed no result.", MOST_FILE),
      ),
    ];
  if (!ACTIONS[app.view.answer.action]) {
    return [
      notice(
        el(
          "h1",
          { tabindex: "-1" },
          `No view for the action ${words(app.view.answer.action || "of this answer")}`,
        ),
        el("p", {}, "Its answer in words:"),
        copyable(app.view.text || String(app.view.answer.summary), MOST_FILE),
      ),
    ];
  }
  const scored = isObject(app.view.answer.facts.score);
  const findings = findingsCard();
  return [
    title(),
    notJudged(),
    !findings && rest(),
    scored && el("div", { class: "lead" }, scoreCard(), app.view.answer.action === "run" && firstCard()),
    pathsOfRun(),
    ...pathsCards(),
    ...(scored || app.view.findings.length
      ? [findings, filesCard(), ...factCards()]
      : [...factCards(), filesCard()]),
    nextCard(),
    sourcesCard(),
    scored &&
      el(
        "details",
        { class: "card" },
        el("summary", {}, "The answer in words"),
        el("p", {}, named(app.view.answer.summary || "")),
      ),
  ];
};

const render = () => {
  main.replaceChildren(...drawn().filter(Boolean));
};

const show = (result) => {
  app.earlier.length = 0;
  app.view = viewOf(app.view.input, result);
  main.removeAttribute("aria-busy");
  render();
};

const applyContext = (changed) => {
  app.context = { ...app.context, ...changed };
  const root = document.documentElement;
  if (app.context.theme === "light" || app.context.theme === "dark") root.dataset.theme = app.context.theme;
  const variables = objectOf(objectOf(app.context.styles).variables);
  for (const name of ["--font-sans", "--font-mono"])
    if (variables[name]) root.style.setProperty(name, variables[name]);
  const insets = objectOf(app.context.safeAreaInsets);
  for (const side of ["top", "right", "bottom", "left"])
    if (Number(insets[side])) root.style.setProperty(`--safe-${side}`, `${Number(insets[side])}px`);
};

const host = newHost({
  ping: () => ({}),
  "ui/resource-teardown": () => ({}),
  "ui/notifications/tool-input": (params) => {
    app.view = { input: objectOf(params.arguments) };
    app.waitingFor = `audit ${words(app.view.input.action || "run")}`;
    main.setAttribute("aria-busy", "true");
    render();
  },
  "ui/notifications/tool-result": show,
  "ui/notifications/tool-cancelled": (params) => {
    show({
      isError: true,
      content: [
        { type: "text", text: `The call was cancelled${params.reason ? `: ${params.reason}` : ""}.` },
      ],
    });
  },
  "ui/notifications/host-context-changed": (params) => {
    applyContext(params);
    if (app.view.answer && "displayMode" in params) render();
  },
});

const reportSize = () => {
  let height = 0;
  new ResizeObserver(() => {
    const now = Math.ceil(document.documentElement.getBoundingClientRect().height);
    if (now !== height) host.notify("ui/notifications/size-changed", { height: now });
    height = now;
  }).observe(document.documentElement);
};

host
  .request("ui/initialize", {
    protocolVersion: "2026-01-26",
    appInfo: { name: "aws-iam-audit", version },
    appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
  })
  .then(
    (opened) => {
      app.abilities = objectOf(opened.hostCapabilities);
      applyContext(objectOf(opened.hostContext));
      host.notify("ui/notifications/initialized");
      reportSize();
    },
    (error) => {
      main.replaceChildren(el("p", { role: "alert" }, `The host refused the view: ${error.message}`));
    },
  );
