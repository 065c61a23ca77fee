// Which columns mean what, guessed and shown in the first rows; the coordinate system is always asked.
import { call, element, fill, icon, showProblem, texts, withButton } from "../api.js";
import { config } from "../map/dom.js";
import { chooseSystem } from "../plan-crs.js";
import { addresses } from "./addresses.js";

const FIELDS = [["label", true], ["lon", true], ["lat", true], ["time", false]];

export function choosing(root, state, watch) {
  const { seen } = state;
  const given = state.choices.label ? state.choices : seen.guesses;
  const chosen = { crs: state.choices.crs || null, level: state.choices.level || null, time: state.choices.time || null };
  for (const field of ["label", "lon", "lat"]) chosen[field] = given[field] || null;

  function change(more) {
    Object.assign(chosen, more);
    draw();
  }

  function draw() {
    const focused = document.activeElement && document.activeElement.id;
    const layer = { crs: null, crs_evidence: texts.crs_why, crs_candidates: candidatesOf(seen) };
    const left = element("div", { class: "asks" }, columnsBox(seen, chosen, change), chooseSystem(layer, chosen, change, null), actions(state, chosen, watch));
    root.replaceChildren(element("div", { class: "page plan-fields" },
      element("div", { class: "filehead" }, icon("file-earmark-spreadsheet"), element("b", {}, state.file), element("span", { class: "muted small" }, fill(texts.holds, { rows: seen.rows.toLocaleString(), columns: seen.columns.length, encoding: seen.encoding }))),
      state.districts ? element("p", { class: "muted small" }, fill(texts.districts, { districts: state.districts.join(", ") })) : "",
      element("div", { class: "columns" }, left, preview(seen, chosen))));
    if (focused) document.getElementById(focused)?.focus();
  }

  draw();
}

function candidatesOf(seen) {
  return seen.crs_candidates.map((one) => ({ ...one, name: config.systems[one.key] || one.key }));
}

function columnsBox(seen, chosen, change) {
  const rows = FIELDS.map(([field, required]) => {
    const options = [element("option", { value: "" }, required ? texts.choose : texts.no_time), ...seen.columns.map((one) => element("option", { value: one.name, selected: one.name === chosen[field] }, one.name))];
    const select = element("select", { class: "form-select", id: `column-${field}`, "aria-label": texts[field], onchange: (event) => change({ [field]: event.target.value || null }) }, ...options);
    const column = seen.columns.find((one) => one.name === chosen[field]);
    return element("tr", {}, element("td", {}, texts[field] + (required ? " *" : ""), element("span", { class: "muted xs hint" }, texts[`${field}_hint`])), element("td", {}, select), element("td", { class: "mono xs", "data-label": texts.samples }, column ? column.samples.slice(0, 2).join("、") : ""));
  });
  const levels = element("select", { class: "form-select", id: "column-level", "aria-label": texts.level, onchange: (event) => change({ level: event.target.value || null }) },
    element("option", { value: "" }, texts.by_itself), ...config.levels.map((one) => element("option", { value: one.code, selected: one.code === chosen.level }, one.name)));
  rows.push(element("tr", {}, element("td", {}, texts.level, element("span", { class: "muted xs hint" }, texts.level_hint)), element("td", {}, levels), element("td", {})));
  const isWhole = chosen.label && chosen.lon && chosen.lat;
  return element("section", { class: `card${isWhole ? "" : " open"}` }, element("div", { class: "card-header" }, texts.columns, element("span", { class: "muted small" }, texts.guessed)),
    element("table", { class: "table stacked picks" }, element("tbody", {}, ...rows)));
}

function preview(seen, chosen) {
  const marks = { [chosen.label]: texts.label, [chosen.lon]: texts.lon, [chosen.lat]: texts.lat, [chosen.time]: texts.time };
  const order = [...seen.columns.keys()].sort((a, b) => Boolean(marks[seen.columns[b].name]) - Boolean(marks[seen.columns[a].name]));
  const head = element("tr", {}, ...order.map((at) => element("th", { class: marks[seen.columns[at].name] ? "picked" : "" }, seen.columns[at].name, marks[seen.columns[at].name] ? element("span", { class: "badge badge-accent" }, marks[seen.columns[at].name]) : null)));
  const rows = seen.sample.map((row) => element("tr", {}, ...order.map((at) => element("td", { class: marks[seen.columns[at].name] ? "picked" : "" }, row[at]))));
  return element("aside", { class: "card preview" }, element("div", { class: "card-header" }, texts.first_rows),
    element("div", { class: "scroll" }, element("table", { class: "table", id: "rows" }, element("thead", {}, head), element("tbody", {}, ...rows))));
}

function actions(state, chosen, watch) {
  const problem = element("div", { class: "problem", role: "alert", hidden: true });
  const missing = ["label", "lon", "lat", "crs"].filter((one) => !chosen[one]).map((one) => texts[one]);
  const begin = element("button", { type: "button", class: "btn btn-primary btn-lg", id: "begin", disabled: missing.length > 0, onclick: (event) => withButton(event.currentTarget, async () => {
    const answer = await call("POST", addresses.self, { json: { ...chosen } });
    if (answer.ok) watch(answer.data);
    else showProblem(problem, answer.data);
  }) }, texts.begin);
  return element("div", { class: "actions" }, problem, begin, missing.length ? element("span", { class: "notice-text small" }, fill(texts.missing, { what: missing.join("、") })) : null);
}
