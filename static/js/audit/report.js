// What came out: the verdict, the figures, each of which opens to its rows, and a map of the rows that differ.
import { element, fill, icon, texts } from "../api.js";
import { config } from "../map/dom.js";
import { DotMap } from "./dots.js";
import { Rows } from "./rows.js";
import { addresses } from "./addresses.js";

const words = JSON.parse(document.getElementById("words").textContent);
const SHOWN = 8;
const JUDGED = { good: "check-circle", look: "search", system: "compass", edition: "clock-history", labels: "tags" };

export const count = (value) => value.toLocaleString(document.documentElement.lang);

// Almost all is never said to be all.
export function percent(share, digits = share >= 0.001 && share <= 0.99 ? 1 : 2) {
  const text = (share * 100).toFixed(digits);
  return `${share < 1 && Number(text) === 100 ? "99.99" : text} %`;
}

export function report(root, state, choose) {
  const found = state.result;
  document.body.classList.add("audit-done");
  const side = element("div", { class: "audit-side" });
  const ground = element("div", { class: "audit-map", id: "map", role: "region", "aria-label": texts.map });
  const drawer = element("section", { class: "audit-rows", "aria-live": "polite", hidden: true });
  root.replaceChildren(element("div", { class: "audit" }, side, element("div", { class: "audit-right" }, ground, drawer)));
  const dots = new DotMap(ground, found, words.reasons);
  const rows = new Rows(drawer, dots, words, addresses);
  const open = (title, wanted) => rows.open(title, wanted);
  side.append(...[
    head(state, choose), verdict(found), figures(found, open), ...notes(found), reasons(found, open), bands(found, open),
    kinds(found, open), matrix(found, open), labels(found, open), unusable(found, open), about(state),
  ].filter(Boolean));
}

function head(state, choose) {
  const file = (name) => `${addresses.self}/${name}?locale=${document.documentElement.lang.slice(0, 2)}`;
  return element("header", { class: "audit-head" },
    element("a", { class: "btn btn-link btn-icon", href: addresses.entrance, "aria-label": texts.all_checks }, icon("chevron-left")),
    element("h1", {}, state.file),
    element("div", { class: "acts" },
      element("a", { class: "btn btn-sm", href: file("report.xlsx"), download: "" }, icon("file-earmark-spreadsheet"), "XLSX"),
      element("a", { class: "btn btn-sm", href: file("rows.csv"), download: "" }, icon("download"), "CSV"),
      element("button", { type: "button", class: "btn btn-sm", id: "again", onclick: () => choose(state) }, icon("sliders"), texts.other_columns)));
}

function verdict(found) {
  const [first, rest] = splitVerdict(found.verdict);
  return element("section", { class: `verdict verdict-${found.judgement}`, "aria-label": texts.verdict }, icon(JUDGED[found.judgement]),
    element("p", {}, element("b", {}, first), rest));
}

function splitVerdict(sentence) {
  const at = sentence.search(/[:：]/);
  return at > 0 ? [sentence.slice(0, at + 1), sentence.slice(at + 1)] : ["", sentence];
}

function figures(found, open) {
  const figure = (value, label, wanted, more) => element("button", { type: "button", class: "fig", disabled: !wanted, onclick: () => wanted && open(label, wanted) },
    element("b", {}, value), element("span", {}, label), more ? element("small", {}, more) : null);
  const unchecked = found.unusable.reduce((sum, one) => sum + one.rows, 0);
  return element("section", { class: "audit-figs" },
    figure(percent(found.share), texts.agree, { agree: "yes" }, fill(texts.of_rows, { agree: count(found.agree), rows: count(found.usable) })),
    figure(count(found.disagree), texts.disagree, found.disagree ? { agree: "no" } : null, fill(texts.interval, { low: percent(1 - found.high), high: percent(1 - found.low) })),
    figure(count(found.flagged), texts.flagged, found.flagged ? { flagged: "yes", reason: "border" } : null, fill(texts.near, { flagged: found.near.flagged, disagree: found.near.disagree })),
    figure(count(unchecked), texts.unusable, null, fill(texts.of_file, { rows: count(found.file.rows) })));
}

function notes(found) {
  return found.notes.map((one) => element("div", { class: "alert alert-notice" }, icon("exclamation-triangle"), element("span", {}, one)));
}

function card(title, more, ...children) {
  return element("section", { class: "card" }, element("div", { class: "card-header" }, title, more ? element("span", { class: "muted small" }, more) : null), ...children);
}

function bar(share, className = "") {
  const inner = element("i");
  inner.style.width = `${Math.max(share > 0 ? 1.5 : 0, Math.min(100, share * 100))}%`;
  return element("span", { class: `bar ${className}`, "aria-hidden": "true" }, inner);
}

function reasons(found, open) {
  if (!found.reasons.length) return null;
  const rows = [...found.reasons].sort((a, b) => b.rows - a.rows).map((one) => element("li", {}, element("button", { type: "button", onclick: () => open(words.reasons[one.reason], { reason: one.reason }) },
    element("i", { class: `dot dot-${one.reason}`, "aria-hidden": "true" }), element("span", {}, words.reasons[one.reason]), bar(one.rows / found.disagree), element("b", { class: "num" }, count(one.rows)), element("span", { class: "num muted" }, percent(one.rows / found.disagree)))));
  return card(texts.reasons, texts.reasons_hint, element("ul", { class: "bars" }, ...rows));
}

function bands(found, open) {
  const top = Math.max(...found.bands.map((one) => (one.rows ? one.disagree / one.rows : 0)), 1e-9);
  const rows = found.bands.filter((one) => one.rows || one.band !== "none").map((one) => {
    const share = one.rows ? one.disagree / one.rows : 0;
    return element("tr", { class: one.rows ? "" : "none" }, element("td", {}, element("button", { type: "button", class: "link", disabled: !one.rows, onclick: () => open(fill(texts.band_rows, { band: words.bands[one.band] }), { band: one.band, agree: one.disagree ? "no" : "any" }) }, words.bands[one.band])),
      element("td", { class: "num" }, count(one.rows)), element("td", { class: "num" }, count(one.disagree)), element("td", { class: "wide" }, bar(share / top)), element("td", { class: "num" }, one.rows ? percent(share) : "–"));
  });
  return card(texts.bands, texts.bands_hint, table([texts.band, texts.rows, texts.differ, "", texts.share], rows, [1, 2, 4]));
}

function table(heads, rows, numbers = [heads.length - 1]) {
  return element("div", { class: "scroll" }, element("table", { class: "table" }, element("thead", {}, element("tr", {}, ...heads.map((one, at) => element("th", { class: numbers.includes(at) ? "num" : "" }, one)))), element("tbody", {}, ...rows)));
}

function kinds(found, open) {
  if (!found.kinds.length) return card(texts.kinds, null, element("p", { class: "pad muted small" }, texts.no_kinds));
  const [first, ...others] = found.kinds;
  const list = (kind, most) => kind.values.slice(0, most).map((one) => element("li", { class: one.stands_out ? "stands" : "" }, element("button", { type: "button", onclick: () => open(`${kind.column} = ${one.value || "–"}`, { column: kind.column, value: one.value }) },
    element("span", {}, one.value || "–"), bar(one.disagree / one.rows / Math.max(...kind.values.map((v) => v.disagree / v.rows), 1e-9), one.stands_out ? "bad" : ""), element("b", { class: "num" }, percent(one.disagree / one.rows)), element("span", { class: "num muted" }, fill(texts.of, { part: count(one.disagree), whole: count(one.rows) })))));
  const more = others.map((kind) => element("details", {}, element("summary", {}, element("b", {}, kind.column), " ", element("span", { class: "muted small" }, kind.along ? fill(texts.along, { column: kind.along }) : texts.own)), element("ul", { class: "bars kinds" }, ...list(kind, 4))));
  return card(texts.kinds, texts.kinds_hint, element("h3", { class: "pad" }, first.column), element("ul", { class: "bars kinds" }, ...list(first, 6)), ...more);
}

function grid(one, otherwise) {
  if (!one) return element("span", { class: "muted" }, otherwise);
  return element("span", {}, one.name, one.name === one.code ? null : element("code", { class: "muted xs" }, ` ${one.code}`));
}

function matrix(found, open) {
  if (!found.matrix.length) return null;
  const rows = found.matrix.map((one) => element("tr", {}, element("td", {}, labelled(one)), element("td", {}, grid(one.ours, texts.no_grid)),
    element("td", { class: "num" }, element("button", { type: "button", class: "link", onclick: () => open(`${one.label} → ${one.ours ? one.ours.name : texts.no_grid}`, { label: one.label, code: one.ours ? one.ours.code : "" }) }, count(one.rows)))));
  return card(texts.matrix, texts.matrix_hint, ...cut([texts.labelled, texts.ours, texts.rows], rows));
}

function labelled(one) {
  const known = one.label_grid && (one.label_grid.code === one.label || one.label_grid.name === one.label);
  return element("span", {}, known ? grid(one.label_grid) : element("span", {}, one.label, " ", element("span", { class: "muted xs" }, one.label_grid ? `= ${one.label_grid.name}` : texts.no_such_grid)));
}

// A long list begins with its largest; the rest is a click away.
function cut(heads, rows) {
  const whole = table(heads, rows.slice(0, SHOWN));
  if (rows.length <= SHOWN) return [whole];
  const more = element("button", { type: "button", class: "btn btn-link btn-sm more", onclick: () => { whole.querySelector("tbody").append(...rows.slice(SHOWN)); more.remove(); } }, fill(texts.more, { count: count(rows.length - SHOWN) }));
  return [whole, more];
}

function labels(found, open) {
  const { mapping, unknown, renumbered, exact } = found.labels;
  const parts = [];
  if (mapping.length) {
    parts.push(...cut([texts.labelled, texts.means, texts.how, texts.rows], mapping.map((one) => element("tr", {}, element("td", {}, one.label), element("td", {}, grid(one.grid)), element("td", { class: "small" }, words.how[one.how], one.how === "association" ? element("span", { class: "muted" }, ` ${percent(one.share)}`) : null), element("td", { class: "num" }, element("button", { type: "button", class: "link", onclick: () => open(one.label, { label: one.label, agree: "any" }) }, count(one.rows)))))));
  }
  for (const [list, title] of [[renumbered, texts.renumbered], [unknown, texts.unknown]]) {
    if (list.length) parts.push(element("h3", { class: "pad" }, title), ...cut([texts.labelled, texts.mostly, texts.rows], list.map((one) => element("tr", {}, element("td", {}, one.label), element("td", {}, grid(one.mostly, "–")), element("td", { class: "num" }, element("button", { type: "button", class: "link", onclick: () => open(one.label, { label: one.label, agree: "any" }) }, count(one.rows)))))));
  }
  const hint = fill(texts.labels_hint, { exact: count(exact), read: count(mapping.length), unknown: count(unknown.length) });
  return card(texts.labels, hint, ...parts);
}

function unusable(found, open) {
  if (!found.unusable.length) return null;
  return card(texts.unusable, null, element("ul", { class: "bars plain" }, ...found.unusable.map((one) => element("li", {}, element("button", { type: "button", onclick: () => open(words.unusable[one.reason], { unusable: one.reason }) },
    element("span", {}, words.unusable[one.reason]), element("b", { class: "num" }, count(one.rows)))))));
}

function about(state) {
  const found = state.result;
  const editions = found.editions.map((one) => `${one.name} ${fill(texts.edition, { number: one.number })}`).join("、");
  const pairs = [[texts.level, config.levelNames[found.level] || found.level], [texts.against, editions], [texts.crs, config.systems[found.choices.crs] || found.choices.crs], [texts.label, found.choices.label]];
  return card(texts.about, null, element("dl", { class: "kv pad" }, ...pairs.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])), element("p", { class: "pad muted xs" }, texts.privacy));
}
