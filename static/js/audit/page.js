// One check: columns to choose, its progress, what came out.
import { call, element, fill, icon, texts } from "../api.js";
import { addresses } from "./addresses.js";
import { choosing } from "./choosing.js";
import { report } from "./report.js";

const root = document.getElementById("audit");
const STAGES = ["read", "maps", "answers", "labels", "reasons", "write"];
const POLL_MS = 500;
const WORKER_LATE_MS = 15000;

async function open() {
  const answer = await call("GET", addresses.self);
  if (!answer.ok) return root.replaceChildren(problem(answer.data));
  const state = answer.data;
  if (state.state === "running") return watch(state);
  if (state.state === "done") return report(root, state, choose);
  if (state.state === "refused") return root.replaceChildren(refused(state));
  return choose(state);
}

function choose(state) {
  document.body.classList.remove("audit-done");
  choosing(root, state, watch);
}

async function watch(first) {
  const began = Date.now();
  let now = first;
  document.body.classList.remove("audit-done");
  while (now.state === "running") {
    root.replaceChildren(running(now, now.stage === "waiting" && Date.now() - began > WORKER_LATE_MS));
    await new Promise((next) => { setTimeout(next, POLL_MS); });
    const answer = await call("GET", addresses.self);
    if (answer.ok) now = answer.data;
    else if (answer.status && answer.status < 500) return root.replaceChildren(problem(answer.data));
  }
  if (now.state === "done") return report(root, now, choose);
  return root.replaceChildren(refused(now));
}

function running(now, isLate) {
  const at = STAGES.indexOf(now.stage);
  const steps = STAGES.map((stage, i) => element("li", { class: i < at ? "done" : i === at ? "now" : "" },
    icon(i < at ? "check-circle" : i === at ? "hourglass-split" : "dash"), texts[`stage_${stage}`]));
  const bar = element("div", { class: "progress-bar" });
  bar.style.width = `${Math.round(now.progress * 100)}%`;
  return element("div", { class: "page" }, element("section", { class: "card narrow", "aria-live": "polite" },
    element("div", { class: "card-header" }, fill(texts.checking, { rows: now.seen.rows.toLocaleString() })),
    element("div", { class: "card-body" }, element("div", { class: "progress", role: "progressbar", "aria-valuenow": Math.round(now.progress * 100), "aria-valuemin": 0, "aria-valuemax": 100 }, bar),
      now.stage === "waiting" ? element("p", { class: "muted" }, isLate ? texts.worker : texts.stage_waiting) : element("ul", { class: "stages" }, ...steps)),
    element("div", { class: "card-footer muted small" }, texts.leave)));
}

function refused(state) {
  return element("div", { class: "page" }, element("section", { class: "card narrow refused", role: "alert" },
    element("div", { class: "card-header notice-text" }, icon("x-circle"), texts.refused),
    element("div", { class: "card-body" }, element("p", {}, element("b", {}, state.problem.detail))),
    element("div", { class: "card-footer" },
      element("button", { type: "button", class: "btn btn-primary", onclick: () => choose(state) }, texts.again),
      element("a", { class: "btn", href: addresses.entrance }, texts.other_file))));
}

function problem(data) {
  return element("div", { class: "page" }, element("div", { class: "problem", role: "alert" }, icon("exclamation-triangle"), element("span", {}, data.detail),
    element("a", { class: "btn btn-sm", href: addresses.entrance }, texts.other_file)));
}

open();
