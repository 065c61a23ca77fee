// Rulings on the card: that a person decided here, taking it back, and the small form for those who may decide.
import { search } from "./ask.js";
import { levelName } from "./card.js";
import { button, config, element, icon, say, texts } from "./dom.js";

// What a person decided instead of the map; `again` asks the same question anew.
export function rulingNote(answer, asked) {
  const ruling = answer.ruling;
  if (!ruling) return null;
  const made = element("section", null, "sect ruling");
  const instead = ruling.instead_of ? say("insteadOf", { grid: ruling.instead_of.name }) : texts.insteadOfNone;
  made.append(element("h3", texts.ruling), element("p", `${say("decidedOn", { day: ruling.decided_on })} ${instead}`));
  if (ruling.decided_by) made.append(element("p", `${ruling.decided_by}：${ruling.reason}`, "why"));
  if (!config.mayRule || asked.at) return made;
  const open = button(texts.revoke, null, "link");
  open.addEventListener("click", () => {
    const form = revocation(ruling, asked);
    open.replaceWith(form);
    form.elements.reason.focus();
  });
  made.append(open);
  return made;
}

// The button that opens the form under the card; null for those who may not, and about the past.
export function rulingButton(answer, asked) {
  if (!config.mayRule || asked.at) return null;
  const open = button(texts.rule, "person-check");
  open.addEventListener("click", () => {
    const form = decision(answer, asked);
    open.disabled = true;
    open.closest(".acts").before(form);
    form.elements.grid.focus();
    form.scrollIntoView({ block: "nearest" });
    form.addEventListener("reset", () => {
      form.remove();
      open.disabled = false;
      open.focus();
    });
  });
  return open;
}

function decision(answer, asked) {
  const form = element("form", null, "sect rule");
  const grid = field("grid", texts.ruleGrid, "input", { required: true, autocomplete: "off", list: "rule-grids" });
  const radius = field("radius_m", texts.ruleRadius, "input", { type: "number", min: 1, max: 500, step: "any", value: 20, required: true });
  const reason = field("reason", texts.ruleReason, "textarea", { required: true, maxlength: 2000, rows: 2 });
  const from = field("from_on", texts.ruleFrom, "input", { type: "date" });
  const to = field("to_on", texts.ruleTo, "input", { type: "date" });
  const known = gridList(grid.querySelector("input"), answer);
  const row = element("div", null, "pair");
  row.append(from, to);
  form.append(element("h3", texts.rule), grid, known.list, radius, reason, row, ...ending(texts.ruleSend));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { lon, lat, crs } = answer.position;
    const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
    const found = known.find(given.grid);
    const body = { ...given, grid: found.code, level: found.level, scheme: config.scheme, radius_m: Number(given.radius_m), lon, lat, crs };
    send(form, config.rulings, body, asked);
  });
  return form;
}

function revocation(ruling, asked) {
  const form = element("form", null, "rule");
  form.append(field("reason", texts.revokeReason, "input", { required: true, maxlength: 2000 }), ...ending(texts.revoke));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, `${config.rulings}/${ruling.id}/revoke`, { reason: form.elements.reason.value }, asked);
  });
  form.addEventListener("reset", () => form.remove());
  return form;
}

// Grids by code or name: first those the answer names, then what the search finds.
function gridList(input, answer) {
  const list = element("datalist");
  list.id = "rule-grids";
  const named = new Map();
  const offer = (grids) => {
    list.replaceChildren(...grids.filter((one) => one && one.code && one.level !== "district").map((one) => {
      named.set(one.code, one);
      const option = element("option", `${one.name} · ${levelName(one.level)}`);
      option.value = one.code;
      return option;
    }));
  };
  offer([...answer.alternates, answer.ruling && answer.ruling.instead_of, answer.grid]);
  let timer;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    const text = input.value.trim();
    if (!text || named.has(text)) return;
    timer = setTimeout(async () => offer((await search(text, 8)).map((one) => one.properties)), 180);
  });
  const find = (text) => {
    const code = text.trim();
    return named.get(code) || [...named.values()].find((one) => one.name === code) || { code };
  };
  return { list, find };
}

function field(name, label, kind, attributes) {
  const made = element("label", null, "field");
  const input = element(kind, null, "form-control");
  input.name = name;
  for (const [key, value] of Object.entries(attributes)) input.setAttribute(key, value === true ? "" : value);
  made.append(element("span", label, "form-label"), input);
  return made;
}

function ending(label) {
  const problem = element("p", null, "notice");
  problem.setAttribute("role", "alert");
  problem.hidden = true;
  const row = element("div", null, "pair");
  const ok = button(label, null, "btn btn-primary");
  ok.type = "submit";
  const no = button(texts.cancel);
  no.type = "reset";
  row.append(ok, no);
  return [problem, row];
}

async function send(form, url, body, asked) {
  const problem = form.querySelector(".notice");
  const ok = form.querySelector("[type=submit]");
  ok.disabled = true;
  problem.hidden = true;
  const told = await post(url, body);
  if (told.problem) {
    problem.textContent = told.problem;
    problem.hidden = false;
    ok.disabled = false;
    return;
  }
  const note = element("p", texts.ruleWaits, "sect");
  note.setAttribute("role", "status");
  note.prepend(icon("hourglass-split"), " ");
  form.replaceWith(note);
  // It counts when every process has heard of it; one that is for a later day is only noted.
  setTimeout(() => note.isConnected && asked.again(), told.waits);
}

async function post(url, body) {
  const headers = { "Content-Type": "application/json", "Accept-Language": document.documentElement.lang, "X-CSRF-Token": document.querySelector('meta[name="csrf-token"]').content };
  try {
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    const made = await response.json();
    if (!response.ok) return { problem: made.detail };
    const counts = made.revoked_at ? made.counts_until : made.counts_from;
    const waits = new Date(counts) - new Date(made.revoked_at || made.recorded_at);
    return { waits: Math.min(waits, 10000) + 1500 };
  } catch {
    return { problem: texts.unreachable };
  }
}
