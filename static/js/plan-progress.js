// A running import: its stage and share, then what came out, or why nothing was imported.
import { call, element, fill, icon, texts } from "./api.js";

const words = JSON.parse(document.getElementById("words").textContent);
const STAGES = ["read", "keep", "repair", "overlay", "ownership", "faces", "conditions", "write", "compare"];
const POLL_MS = 700;
const WORKER_LATE_MS = 15000;

export async function watch(root, upload, again) {
  const began = Date.now();
  let now = upload;
  while (now.state === "running") {
    root.replaceChildren(running(now, now.stage === "waiting" && Date.now() - began > WORKER_LATE_MS));
    await new Promise((next) => { setTimeout(next, POLL_MS); });
    const answer = await call("GET", root.dataset.url);
    if (answer.ok) now = answer.data;
    else if (answer.status && answer.status < 500) return root.replaceChildren(element("div", { class: "problem", role: "alert" }, icon("exclamation-triangle"), answer.data.detail));
  }
  if (now.state === "refused") return root.replaceChildren(refused(root, now, again));
  if (now.result.dry_run) return root.replaceChildren(tried(now, again));
  return location.assign(root.dataset.findings);
}

function running(now, isLate) {
  const at = STAGES.indexOf(now.stage);
  const steps = STAGES.map((stage, i) => element("li", { class: i < at ? "done" : i === at ? "now" : "" },
    icon(i < at ? "check-circle" : i === at ? "hourglass-split" : "dash"), words.stages[stage]));
  const bar = element("div", { class: "progress-bar" });
  bar.style.width = `${Math.round(now.progress * 100)}%`;
  return element("section", { class: "card narrow", "aria-live": "polite" },
    element("div", { class: "card-header" }, now.options.dry_run ? texts.trying : texts.running),
    element("div", { class: "card-body" }, element("div", { class: "progress", role: "progressbar", "aria-valuenow": Math.round(now.progress * 100), "aria-valuemin": 0, "aria-valuemax": 100 }, bar),
      now.stage === "waiting" ? element("p", { class: "muted" }, isLate ? texts.worker : words.stages.waiting) : element("ul", { class: "stages" }, ...steps)),
    element("div", { class: "card-footer muted small" }, texts.leave));
}

function refused(root, now, again) {
  const detail = JSON.stringify({ ...now.problem, file: now.file }, null, 1);
  const copy = element("button", { type: "button", class: "btn btn-sm", onclick: async () => { try { await navigator.clipboard.writeText(detail); copy.textContent = texts.copied; } catch { copy.hidden = true; } } }, texts.copy);
  return element("section", { class: "card narrow refused", role: "alert" },
    element("div", { class: "card-header notice-text" }, icon("x-circle"), texts.refused, element("span", { class: "muted small" }, texts.unchanged)),
    element("div", { class: "card-body" }, element("p", {}, element("b", {}, now.problem.detail)),
      element("details", {}, element("summary", {}, texts.details), element("pre", { class: "xs" }, detail), copy)),
    element("div", { class: "card-footer" }, now.is_kept ? element("button", { type: "button", class: "btn btn-primary", onclick: () => again({ ...now, state: "uploaded" }) }, texts.again) : null,
      element("a", { class: "btn", href: root.dataset.upload }, texts.other_file)));
}

function tried(now, again) {
  const { counts, findings, features } = now.result;
  const rows = findings.map((one) => element("tr", {}, element("td", {}, element("span", { class: `badge ${one.severity === "error" ? "badge-block" : one.severity === "warning" ? "badge-notice" : ""}` }, words.severities[one.severity])),
    element("td", {}, words.rules[one.rule] || one.rule), element("td", {}, one.detail)));
  const figures = [["error", texts.blocking], ["warning", texts.confirm], ["info", texts.note]].map(([key, label]) => element("div", { class: "fig" }, element("b", {}, String(counts[key])), element("span", {}, label)));
  return element("section", { class: "card tried", "aria-live": "polite" },
    element("div", { class: "card-header" }, fill(texts.tried_done, { features }), element("span", { class: "muted small" }, texts.tried)),
    element("div", { class: "figs" }, ...figures),
    rows.length ? element("div", { class: "scroll" }, element("table", { class: "table" }, element("tbody", {}, ...rows))) : element("p", { class: "pad muted" }, texts.nothing_found),
    element("div", { class: "card-footer" }, element("button", { type: "button", class: "btn btn-primary", onclick: () => again({ ...now, state: "uploaded" }) }, texts.again)));
}
