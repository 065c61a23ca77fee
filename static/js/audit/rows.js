// The rows behind a figure, under the map: a page at a time; a row shows where it is.
import { call, element, fill, icon, showProblem, texts } from "../api.js";
import { config } from "../map/dom.js";

const LIMIT = 50;

export class Rows {
  constructor(place, dots, words, addresses) {
    Object.assign(this, { place, dots, words, addresses, turn: 0 });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !place.hidden) this.close(); });
  }

  async open(title, wanted, offset = 0) {
    const turn = ++this.turn;
    this.before = this.before || document.activeElement;
    const address = new URL(this.addresses.rows, location.href);
    for (const [name, value] of Object.entries({ ...wanted, limit: LIMIT, offset })) address.searchParams.set(name, value);
    if (!("agree" in wanted)) address.searchParams.set("agree", "no");
    const answer = await call("GET", address);
    if (turn !== this.turn) return;
    this.place.hidden = false;
    if (!answer.ok) {
      const problem = element("div", { class: "problem", role: "alert" });
      showProblem(problem, answer.data);
      this.place.replaceChildren(problem);
      return;
    }
    this.draw(title, wanted, offset, answer.data);
    this.dots.only(wanted.unusable ? [] : answer.data.rows, this.place.offsetHeight);
  }

  close() {
    this.turn++;
    this.place.hidden = true;
    this.dots.all();
    if (this.before) this.before.focus();
    this.before = null;
  }

  draw(title, wanted, offset, { count, columns, rows }) {
    const shut = element("button", { type: "button", class: "btn btn-icon btn-link", "aria-label": texts.close, onclick: () => this.close() }, icon("x-lg"));
    const step = (to, label, name) => element("button", { type: "button", class: "btn btn-sm btn-icon", disabled: to < 0 || to >= count, "aria-label": label, onclick: () => this.open(title, wanted, to) }, icon(name));
    const shown = count ? fill(texts.page, { from: offset + 1, to: offset + rows.length, count: count.toLocaleString() }) : texts.nothing;
    const header = element("header", {}, element("h2", {}, title), element("span", { class: "muted small" }, shown), step(offset - LIMIT, texts.before, "chevron-left"), step(offset + LIMIT, texts.after, "chevron-right"), shut);
    const isChecked = !wanted.unusable;
    const heads = [texts.line, ...(isChecked ? [texts.labelled, texts.ours, texts.reason, texts.border_m] : []), ...columns];
    const body = rows.map((row) => this.row(row, isChecked));
    this.place.replaceChildren(header, element("div", { class: "scroll tall" }, element("table", { class: "table" }, element("thead", {}, element("tr", {}, ...heads.map((one) => element("th", {}, one)))), element("tbody", {}, ...body))));
    shut.focus();
  }

  row(row, isChecked) {
    const cells = row.cells.map((one) => element("td", { class: "own" }, one));
    if (!isChecked) return element("tr", {}, element("td", { class: "num" }, String(row.line)), ...cells);
    const spot = element("button", { type: "button", class: "link num", "aria-label": fill(texts.show_row, { line: row.line }), onclick: () => this.dots.show(row) }, String(row.line));
    const label = element("td", {}, row.label, row.label_name && row.label_name !== row.label && row.label_code !== row.label ? element("span", { class: "muted xs" }, ` = ${row.label_name}`) : null);
    const ours = element("td", {}, row.name || texts.no_grid, row.code && row.code !== row.name ? element("code", { class: "muted xs" }, ` ${row.code}`) : null);
    const why = element("td", { class: "why" }, row.reason ? element("span", {}, element("i", { class: `dot dot-${row.reason}`, "aria-hidden": "true" }), ` ${row.reason_name} `, row.flagged ? element("span", { class: "badge" }, texts.flagged_short) : null, element("span", { class: "muted xs why-text" }, row.why)) : element("span", { class: "muted" }, texts.agrees));
    const far = element("td", { class: "num" }, row.border_m === null ? this.words.statuses[row.status] : row.border_m.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 }));
    const made = element("tr", { class: "spot", onclick: (event) => { if (event.target.tagName !== "BUTTON") this.dots.show(row); } }, element("td", { class: "num" }, spot), label, ours, why, far, ...cells);
    return made;
  }
}

export function lookUp(row) {
  return `${config.lookUp}?q=${encodeURIComponent(`${row.lon.toFixed(7)}, ${row.lat.toFixed(7)}`)}`;
}
