// The second step: one question at a time with its evidence, columns with a preview, then the import.
import { call, element, fill, icon, showProblem, texts, withButton } from "./api.js";
import { chooseSystem } from "./plan-crs.js";
import { watch } from "./plan-progress.js";

const root = document.getElementById("fields");
const data = JSON.parse(document.getElementById("data").textContent);
const ENCODINGS = ["UTF-8", "GBK", "GB18030", "Big5", "UTF-16", "windows-1252"];
const PROPERTIES = [["code_field", "code", true], ["name_field", "name", true], ["parent_field", "parent", false]];

const chosen = { layer: null, encoding: null, crs: null, level: null, code_field: null, name_field: null, parent_field: null };
let preview = null;
let turn = 0;

function layer() {
  return data.layers.find((one) => one.name === chosen.layer);
}

function takeLayer(name) {
  const one = data.layers.find((each) => each.name === name);
  const given = data.upload.options && data.upload.options.layer === name ? data.upload.options : {};
  Object.assign(chosen, {
    layer: name, encoding: given.encoding || data.upload.options.encoding || null, crs: given.crs || null,
    level: given.level || one.level || data.levels[data.levels.length - 1].code,
    code_field: given.code_field || one.code_field, name_field: given.name_field || one.name_field,
    parent_field: given.code_field ? given.parent_field : one.parent_field,
  });
}

function questions() {
  const one = layer();
  const open = [];
  if (!one.encoding && !chosen.encoding) open.push("encoding");
  if (!one.crs && !chosen.crs) open.push("crs");
  if (!chosen.code_field || !chosen.name_field) open.push("fields");
  if (preview && preview.problem) open.push("crs");
  return open;
}

async function look() {
  const mine = ++turn;
  const wanted = new URL(root.dataset.preview, location.href);
  for (const key of ["layer", "encoding", "crs"]) if (chosen[key]) wanted.searchParams.set(key, chosen[key]);
  const answer = await call("GET", wanted);
  if (mine !== turn) return; // a newer choice is on its way
  preview = answer.ok ? answer.data : { problem: answer.data.detail, columns: [], rows: [], outlines: null, count: 0 };
  draw();
}

function choose(change) {
  Object.assign(chosen, change);
  draw();
  if ("layer" in change || "encoding" in change || "crs" in change) look();
}

function draw() {
  const left = element("div", { class: "asks" }, ...[layerBox(), encodingBox(), chooseSystem(layer(), chosen, choose, preview), fieldsBox(), actions()].filter(Boolean));
  root.replaceChildren(element("div", { class: "columns" }, left, previewBox()));
}

function layerBox() {
  if (data.layers.length < 2) return null;
  const done = new Set((data.upload.result && data.upload.result.layers) || []);
  const options = data.layers.map((one) => element("label", { class: `opt${one.name === chosen.layer ? " on" : ""}` },
    element("input", { type: "radio", name: "layer", class: "form-check-input", checked: one.name === chosen.layer, disabled: !one.count, onchange: () => { takeLayer(one.name); choose({ layer: one.name }); } }),
    element("span", {}, one.name), element("span", { class: "muted xs" }, `${one.geometry_type} · ${fill(texts.features, { count: one.count })}`),
    done.has(one.name) ? element("span", { class: "badge badge-accent" }, texts.layer_done) : null));
  return element("section", { class: "ask ok" }, element("header", {}, icon("layers"), texts.layers), element("div", {}, ...options));
}

function encodingBox() {
  const one = layer();
  const now = chosen.encoding || one.encoding;
  const header = now ? fill(texts.encoding, { encoding: now }) : texts.encoding_unsure;
  const readings = Object.entries(one.readings).slice(0, 3).map(([name, values]) => [element("dt", {}, fill(texts.read_as, { encoding: name })), element("dd", {}, values.slice(0, 3).join("、"))]).flat();
  const select = element("select", { class: "form-select", id: "encoding", "aria-label": texts.other_encoding, onchange: (event) => choose({ encoding: event.target.value || null }) },
    element("option", { value: "" }, one.encoding ? `${texts.as_file} (${one.encoding})` : texts.choose),
    ...ENCODINGS.map((name) => element("option", { value: name, selected: chosen.encoding === name }, name)));
  return element("section", { class: `ask${now ? " ok" : ""}`, id: "ask-encoding" },
    element("header", {}, icon(now ? "check-circle" : "exclamation-triangle"), element("span", { class: now ? "" : "notice-text" }, header)),
    element("div", {}, element("p", { class: "small" }, fill(texts.evidence, { evidence: one.encoding_evidence })), readings.length ? element("dl", { class: "kv" }, ...readings) : null,
      element("label", { class: "inline" }, element("span", { class: "small" }, texts.other_encoding), select)));
}

function fieldsBox() {
  const levels = element("select", { class: "form-select", id: "level", onchange: (event) => choose({ level: event.target.value }) },
    ...data.levels.map((one) => element("option", { value: one.code, selected: one.code === chosen.level }, one.name)));
  const rows = PROPERTIES.map(([field, label, required]) => fieldRow(field, label, required));
  return element("section", { class: "card" },
    element("div", { class: "card-header" }, texts.fields, element("span", { class: "muted small" }, texts.required)),
    element("div", { class: "levelrow" }, element("label", { for: "level" }, `${texts.level} *`), levels),
    element("table", { class: "table stacked" }, element("thead", {}, element("tr", {}, ...["property", "column", "first", "look"].map((key) => element("th", {}, texts[key])))), element("tbody", {}, ...rows)));
}

function fieldRow(field, label, required) {
  const select = element("select", { class: "form-select", id: field, "aria-label": texts[label], onchange: (event) => choose({ [field]: event.target.value || null }) },
    element("option", { value: "" }, required ? texts.choose : texts.none),
    ...layer().fields.map((one) => element("option", { value: one.name, selected: one.name === chosen[field] }, one.name)));
  const at = preview ? preview.columns.findIndex((one) => one.name === chosen[field]) : -1;
  const first = at >= 0 && preview.rows.length ? preview.rows[0][at] || "" : "";
  return element("tr", {}, element("td", {}, texts[label] + (required ? " *" : "")), element("td", {}, select),
    element("td", { class: "mono", "data-label": texts.first }, first), element("td", { "data-label": texts.look }, ...(at >= 0 ? checkOf(preview.columns[at], field) : [])));
}

function checkOf(column, field) {
  const filled = preview.count - column.empty;
  const words = field === "code_field" && column.different === filled ? fill(texts.all_different, { count: filled }) : fill(texts.different, { different: column.different, count: filled });
  return column.empty ? [`${words} · `, element("span", { class: "notice-text" }, fill(texts.empty, { count: column.empty }))] : [words];
}

function previewBox() {
  const box = element("aside", { class: "card preview", "aria-live": "polite" }, element("div", { class: "card-header" }, texts.preview));
  if (!preview) return box;
  if (preview.problem) box.append(element("div", { class: "problem" }, icon("exclamation-triangle"), preview.problem));
  for (const doubt of preview.doubts || []) box.append(element("div", { class: "problem" }, icon("exclamation-triangle"), doubt));
  if (preview.outlines) box.append(sketch(preview.outlines), element("p", { class: "muted xs pad" }, preview.is_placed ? texts.outlines_placed : texts.outlines_raw));
  if (preview.rows.length) {
    const head = element("tr", {}, ...preview.columns.map((one) => element("th", {}, one.name)));
    const rows = preview.rows.map((row) => element("tr", {}, ...row.map((value) => element("td", {}, value === null ? "" : value))));
    box.append(element("div", { class: "scroll" }, element("table", { class: "table", id: "rows" }, element("thead", {}, head), element("tbody", {}, ...rows))));
    box.append(element("p", { class: "muted xs pad" }, fill(texts.rows_shown, { shown: preview.rows.length, count: preview.count })));
  }
  return box;
}

function sketch({ bbox: [west, south, east, north], rings }) {
  const NS = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(NS, "svg");
  const flat = preview.is_placed ? Math.cos(((south + north) / 2) * Math.PI / 180) : 1;
  const width = (east - west) * flat || 1;
  const height = north - south || 1;
  const scale = 380 / Math.max(width, height);
  svg.setAttribute("viewBox", `-4 -4 ${width * scale + 8} ${height * scale + 8}`);
  svg.setAttribute("class", "sketch");
  svg.setAttribute("role", "img");
  const path = document.createElementNS(NS, "path");
  path.setAttribute("d", rings.map((ring) => `M${ring.map(([x, y]) => `${((x - west) * flat * scale).toFixed(1)} ${((north - y) * scale).toFixed(1)}`).join("L")}Z`).join(""));
  svg.append(path);
  return svg;
}

function actions() {
  if (!root.dataset.mayEdit) return element("div", { class: "alert" }, icon("lock"), texts.read_only);
  const open = questions();
  const problem = element("div", { class: "problem", role: "alert", hidden: true });
  const button = (label, dry, primary) => element("button", { type: "button", class: `btn${primary ? " btn-primary" : ""}`, id: dry ? "try" : "import", disabled: open.length > 0, onclick: (event) => withButton(event.target, () => start(dry, problem)) }, label);
  return element("div", { class: "actions" }, problem, button(texts.import, false, true), button(texts.try, true, false),
    open.length ? element("span", { class: "notice-text small" }, texts.answer_first) : null);
}

async function start(dry, problem) {
  const answer = await call("POST", root.dataset.url, { json: { ...chosen, dry_run: dry, background: true } });
  if (answer.ok) watch(root, answer.data, begin);
  else showProblem(problem, answer.data);
}

function begin(upload) {
  data.upload = upload;
  const done = new Set((upload.result && upload.result.layers) || []);
  const next = data.layers.find((one) => one.count && !done.has(one.name)) || data.layers[0];
  takeLayer(upload.options.layer && !done.has(upload.options.layer) ? upload.options.layer : next.name);
  draw();
  look();
}

if (root) {
  if (data.upload.state === "running") watch(root, data.upload, begin);
  else begin(data.upload);
}
