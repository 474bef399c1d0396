// What the view is made of. Text enters it as text nodes, its hidden characters visible and its length capped.
const STATUSES = ["fail", "unknown", "manual", "pass", "not_applicable"];
const SEVERITIES = ["critical", "high", "medium", "low", "info"];
const MOST_TEXT = 5_000;
const HIDDEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
const main = document.getElementById("main");

const visible = (text, most) => {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return cut.replace(HIDDEN, (hidden) => `\\u{${hidden.codePointAt(0).toString(16)}}`);
};

const add = (element, children) => {
  for (const child of children.flat(2)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(
      child instanceof Node ? child : document.createTextNode(visible(String(child), MOST_TEXT)),
    );
  }
  return element;
};

const el = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== undefined) element.setAttribute(name, value);
  }
  return add(element, children);
};

const svg = (tag, attributes, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return add(element, children);
};

const button = (label, act, attributes) => {
  const element = el("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", () => act(element));
  return element;
};

const words = (name) => String(name).replaceAll("_", " ");
const sentence = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const objectOf = (value) => (isObject(value) ? value : {});
const listOf = (value) => (Array.isArray(value) ? value : []);

// Names stand in backticks.
const named = (text) =>
  String(text)
    .split(/`([^`]+)`/)
    .map((part, at) => (at % 2 ? el("code", {}, part) : part));

const badge = (word) => {
  const known = STATUSES.includes(word) || SEVERITIES.includes(word) || word === "muted" || word === "new";
  return el("span", { class: known ? `badge ${word}` : "badge not_applicable" }, words(word));
};

// The severity of what passes is no alarm.
const severityBadge = (severity, status) =>
  ["pass", "not_applicable"].includes(status)
    ? el("span", { class: "badge not_applicable" }, severity)
    : badge(String(severity));

const say = (text) => {
  document.getElementById("said").textContent = visible(text, 300);
};

const card = (title, ...children) => {
  const id = `card-${title.toLowerCase().replaceAll(" ", "-")}`;
  return el(
    "section",
    { class: "card", "aria-labelledby": id },
    el("h2", { id, tabindex: "-1" }, title),
    ...children,
  );
};

const notice = (...children) => el("section", { class: "card notice", role: "note" }, ...children);

const focus = (...selectors) => {
  const element = selectors.map((selector) => main.querySelector(selector)).find(Boolean);
  if (element) element.focus();
};

const copyable = (text, most = MOST_TEXT, ...buttons) => {
  // What is shown is what is copied.
  const code = el("code");
  code.textContent = visible(text, most);
  const copy = button("Copy", async () => {
    const done = await copied(code);
    copy.textContent = done ? "Copied" : "Press Ctrl+C";
    say(done ? "Copied to the clipboard" : "Selected: copy it with Ctrl+C");
    setTimeout(() => {
      copy.textContent = "Copy";
    }, 2000);
  });
  return el("div", { class: "fix" }, el("pre", { tabindex: "0" }, code), copy, " ", ...buttons);
};
