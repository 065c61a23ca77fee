// The third step: what was found, in a list and on the map; waive, reassign with undo, check again.
import { call, element, fill, icon, openDialog, showProblem, squareMetres, texts, toast, withButton } from "./api.js";
import { reassigning } from "./plan-reassign.js";
import { boxOf, drawMap } from "./plan-map.js";

const root = document.getElementById("findings");
const data = JSON.parse(document.getElementById("data").textContent);
const words = JSON.parse(document.getElementById("words").textContent);
const api = root.dataset.api;
const list = document.getElementById("list");
const NEVER_WAIVED = ["unknown-parent", "duplicate-code"];
const PAGE = 100;

const state = { findings: [], waivers: [], blocking: 0, version: data.plan.version, rule: "", selected: null, shown: PAGE };
let drawn = null;

function waiverOf(one) {
  return state.waivers.find((waiver) => waiver.rule === one.rule && (!waiver.fingerprint || waiver.fingerprint === one.fingerprint));
}

function take(answer) {
  const problem = document.getElementById("problem");
  if (!answer.ok) return showProblem(problem, answer.data);
  problem.hidden = true;
  if (answer.data.version < state.version) return; // the plan was edited while this check was on its way
  state.findings = answer.data.findings.map((one, at) => ({ ...one, key: at + 1 }));
  Object.assign(state, { waivers: answer.data.waivers, blocking: answer.data.blocking, version: answer.data.version });
  draw();
}

export async function check(method = "GET") {
  take(await call(method, `${api}/check`));
}

function draw() {
  const figure = (count, label, name = "") => element("div", { class: `fig ${name}` }, element("b", {}, String(count)), element("span", {}, label));
  const count = (severity) => state.findings.filter((one) => one.severity === severity).length;
  document.getElementById("figs").replaceChildren(figure(state.blocking, texts.blocking, state.blocking ? "bad" : ""), figure(count("error") - state.blocking, texts.waived), figure(count("warning"), texts.confirm), figure(count("info"), texts.note));
  drawRules();
  const wanted = state.findings.filter((one) => !state.rule || one.rule === state.rule);
  const rows = wanted.slice(0, state.shown).map(row);
  if (wanted.length > state.shown) rows.push(element("li", {}, element("button", { type: "button", class: "btn btn-sm", onclick: () => { state.shown += PAGE; draw(); } }, texts.more)));
  list.replaceChildren(...(rows.length ? rows : [element("li", { class: "empty" }, icon("check-circle"), element("h2", {}, texts.none), element("p", {}, texts.none_sub))]));
  document.getElementById("shown").textContent = fill(texts.shown, { shown: Math.min(state.shown, wanted.length), count: wanted.length });
  if (drawn) drawn.showFindings(wanted.slice(0, 2000).map((one) => ({ ...one, selected: one.key === state.selected })));
}

function drawRules() {
  const select = document.getElementById("by-rule");
  const rules = [...new Set(state.findings.map((one) => one.rule))];
  select.replaceChildren(element("option", { value: "" }, texts.all), ...rules.map((rule) => element("option", { value: rule, selected: rule === state.rule }, `${words.rules[rule] || rule} (${state.findings.filter((one) => one.rule === rule).length})`)));
}

function row(one) {
  const waiver = one.severity === "error" ? waiverOf(one) : null;
  const kind = one.is_blocking ? "badge-block" : waiver ? "badge-grey" : one.severity === "warning" ? "badge-notice" : "";
  const label = waiver && !one.is_blocking ? texts.waived : words.severities[one.severity];
  const area = one.area_m2 ? ` ${squareMetres(one.area_m2)}` : "";
  return element("li", { class: one.key === state.selected ? "on" : "", "data-key": one.key, "data-rule": one.rule, tabindex: 0, onclick: () => select(one.key, false), onkeydown: (event) => { if (event.key === "Enter" && event.target === event.currentTarget) select(one.key, true); } },
    element("span", { class: "n" }, String(one.key)), element("b", {}, (words.rules[one.rule] || one.rule) + area),
    element("span", { class: "acts" }, element("span", { class: `badge ${kind}` }, label), one.geometry ? element("button", { type: "button", class: "btn btn-sm btn-icon", title: texts.zoom, "aria-label": texts.zoom, onclick: (event) => { event.stopPropagation(); select(one.key, true); } }, icon("zoom-in")) : null),
    one.names && one.names.length ? element("span", { class: "sub names" }, one.names.slice(0, 4).join(texts.and)) : null,
    element("span", { class: "sub" }, one.detail), ...more(one, waiver));
}

function more(one, waiver) {
  const parts = [];
  if (waiver) parts.push(element("span", { class: "sub" }, fill(texts.waived_by, waiver)));
  if (one.key !== state.selected || one.severity !== "error" || !root.dataset.mayEdit) return parts;
  if (NEVER_WAIVED.includes(one.rule)) parts.push(element("span", { class: "sub notice-text" }, texts.no_waiver));
  else if (waiver) parts.push(element("span", { class: "sub" }, element("button", { type: "button", class: "btn btn-sm", onclick: (event) => withButton(event.target, async () => take(await call("DELETE", `${api}/waivers/${waiver.id}`))) }, texts.take_back)));
  else parts.push(element("span", { class: "sub" }, element("button", { type: "button", class: "btn btn-sm", onclick: () => waive(one) }, texts.waive)));
  return parts;
}

function select(key, zoom) {
  state.selected = key;
  draw();
  const one = state.findings.find((each) => each.key === key);
  list.querySelector(`[data-key="${key}"]`)?.scrollIntoView({ block: "nearest" });
  if (drawn && one && one.geometry && zoom) drawn.zoomTo(boxOf(one.geometry));
}

const dialog = document.getElementById("waive-dialog");
const form = document.getElementById("waive-form");
let waived = null;

function waive(one) {
  waived = one;
  form.reset();
  document.getElementById("waive-what").textContent = one.detail;
  document.getElementById("scope-rule-label").textContent = fill(texts.scope_rule, { rule: words.rules[one.rule] || one.rule });
  openDialog(dialog);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  withButton(form.querySelector(".btn-primary"), async () => {
    const json = { rule: waived.rule, reason: form.elements.reason.value, fingerprint: form.elements.scope.value === "one" ? waived.fingerprint : "" };
    const answer = await call("POST", `${api}/waivers`, { json });
    if (!answer.ok) return showProblem(form.querySelector(".problem"), answer.data);
    dialog.close();
    take(answer);
  });
});

document.getElementById("by-rule").addEventListener("change", (event) => { state.rule = event.target.value; state.shown = PAGE; draw(); });
document.getElementById("recheck")?.addEventListener("click", (event) => withButton(event.currentTarget, () => check("POST")));

const editing = reassigning(root, api, state, { check, reload: (version) => drawn && drawn.reload(version), toast });
document.getElementById("undo")?.addEventListener("click", (event) => withButton(event.currentTarget, editing.undo));

function begin() {
  try {
    drawn = drawMap(root, data, { onFace: (face) => { drawn.select(face && face.id); editing.show(face); }, onHover: editing.hover, onFinding: (key) => select(key, false) });
    editing.onClose = () => drawn.select(null);
    window.planMap = drawn.map; // for whoever looks into the page
  } catch {
    document.getElementById("nomap").hidden = false;
  }
  check();
}

if (document.readyState === "complete") begin();
else window.addEventListener("load", begin);
