// The assignment card: who answers, with the evidence, and what to do with it.
import { button, config, day, element, icon, number, say, texts } from "./dom.js";
import { rulingButton, rulingNote } from "./ruling.js";

const ICONS = { inside: "check-circle", border: "rulers", nearest: "geo-alt", gap: "slash-square", outside: "x-octagon", grid: "bounding-box" };

export function levelName(code) {
  const found = config.levels.find((level) => level.code === code);
  return found ? found.name : code === "district" ? config.districtName : code;
}

// `asked`: the address of the call, accuracy, and what a suggestion does with another reading.
export function assignmentCard(answer, asked) {
  const card = [status(answer.status, answer.edition), ...answer.warnings.map((warning) => suspicion(warning, asked))];
  const leader = answer.grid && leaderOf(answer.chain, answer.grid.code);
  card.push(head(answer.grid, leader, texts.nobody), measures(answer, asked.accuracy), chain(answer.chain, answer.grid));
  card.push(rulingNote(answer, asked));
  const others = answer.alternates.filter((one) => !answer.ruling || one.code !== answer.grid.code);
  if (others.length) card.push(alternates(answer.status, others));
  card.push(section(texts.why, element("p", answer.why, "why")));
  if (asked.mayBeShifted && !answer.warnings.length) card.push(otherReading(asked));
  card.push(actions(answer, asked));
  return card.filter(Boolean);
}

// A grid chosen by name or from the list: what the map says about it, without a position.
export function gridCard(grid, steps, edition) {
  const leader = leaderOf(steps, grid.code);
  return [status("grid", edition, levelName(grid.level)), head(grid, leader), chain(steps, grid)].filter(Boolean);
}

export function failure(detail, request, mend) {
  const made = element("div", null, "alert alert-notice");
  made.setAttribute("role", "alert");
  const words = element("div", detail);
  if (request) words.append(" ", element("small", `${texts.request} ${request}`, "muted"));
  if (mend) {
    const link = button(mend.label, null, "link");
    link.addEventListener("click", mend.deed);
    words.append(" ", link);
  }
  made.append(icon("exclamation-triangle"), words);
  return [made];
}

export function waiting() {
  return [element("p", texts.waiting, "waiting muted")];
}

function status(kind, edition, label) {
  const bar = element("div", null, `st st-${kind}`);
  bar.append(icon(ICONS[kind]), element("span", label || texts[kind]));
  if (edition) bar.append(element("small", say("edition", { number: edition.number, day: day(edition.in_force_from) })));
  return bar;
}

function suspicion(warning, asked) {
  const made = element("div", null, "alert alert-notice flush");
  const words = element("div", warning.detail);
  made.append(icon("exclamation-triangle"), words);
  const again = warning.swapped ? texts.swap : warning.crs && say("reread", { crs: crsName(warning.crs) });
  if (again) {
    const link = button(again, null, "link");
    link.addEventListener("click", () => asked.reread(warning.swapped ? { swap: true } : { crs: warning.crs }));
    words.append(" ", link);
  }
  return made;
}

function otherReading(asked) {
  const row = element("p", texts.fromAmap, "hint muted");
  const link = button(say("reread", { crs: crsName("gcj02") }), null, "link");
  link.addEventListener("click", () => asked.reread({ crs: "gcj02" }));
  row.append(" ", link);
  return row;
}

function crsName(crs) {
  const found = config.crs.find(([code]) => code === crs);
  return found ? found[1] : crs;
}

function head(grid, leader, otherwise) {
  const made = element("div", null, "hd");
  made.append(element("h2", grid ? grid.name : otherwise));
  if (leader) made.append(contact(leader));
  if (!grid) return made;
  const row = element("p", null, "id");
  row.append(element("code", grid.code), element("span", levelName(grid.level), "badge"));
  made.append(row);
  return made;
}

function contact(leader) {
  const made = element("p", null, "contact");
  made.append(element("b", leader.name));
  if (leader.phone) {
    const call = element("a", leader.phone);
    call.href = `tel:${leader.phone.replace(/\s/g, "")}`;
    call.prepend(icon("telephone"));
    made.append(" ", call);
  }
  return made;
}

function leaderOf(steps, code) {
  const step = steps.find((one) => one.code === code && one.level !== "district");
  return step ? step.leader : null;
}

function measures(answer, accuracy) {
  if (answer.distance_to_border_m === null) return null;
  const made = element("div", null, "facts");
  const fact = (label, value, unit) => {
    const one = element("div");
    const figure = element("b", value);
    if (unit) figure.append(" ", element("small", unit));
    one.append(element("span", label), figure);
    made.append(one);
  };
  fact(texts.distance, number(answer.distance_to_border_m, 1), texts.metres);
  // How sure the map is says nothing about what a person decided.
  const sure = answer.ruling ? null : answer.confidence;
  fact(texts.confidence, sure === null ? (answer.ruling ? texts.byRuling : "–") : number(sure * 100), sure === null ? "" : "%");
  fact(texts.accuracy, accuracy > 0 ? `±${number(accuracy)}` : "–", accuracy > 0 ? texts.metres : "");
  return made;
}

function chain(steps, grid) {
  if (!steps.length) return null;
  const list = element("ol", null, "chain");
  for (const step of steps) {
    const row = element("li", null, grid && step.code === grid.code ? "on" : "");
    row.append(element("span", levelName(step.level), "lv"), element("b", step.name));
    const who = element("span", null, "who");
    if (step.leader) {
      who.append(step.leader.name, " ");
      const call = element("a", step.leader.phone);
      call.href = `tel:${step.leader.phone.replace(/\s/g, "")}`;
      call.setAttribute("aria-label", say("call", { name: step.leader.name }));
      call.prepend(icon("telephone"));
      who.append(call);
    } else if (step.leader === null) who.append(element("span", texts.vacant, "badge badge-notice"));
    row.append(who);
    list.append(row);
  }
  return list;
}

function alternates(kind, others) {
  const list = element("ul", null, "others");
  for (const other of others) {
    const row = element("li");
    const named = element("span", other.name || "–");
    if (other.code) named.append(" ", element("code", other.code, "muted"));
    const share = other.share === null ? "" : `${number(other.share * 100)} % · `;
    row.append(named, element("span", `${share}${say("away", { metres: number(other.distance_m, 1) })}`));
    list.append(row);
  }
  return section(kind === "outside" ? texts.closest : texts.alternates, list);
}

function section(title, content) {
  const made = element("section", null, "sect");
  made.append(element("h3", title), content);
  return made;
}

function actions(answer, asked) {
  const row = element("div", null, "acts");
  const copies = [
    [texts.evidenceLink, "shield-check", new URL(answer.evidence.href, location.href).href],
    [texts.copyLink, "link-45deg", asked.link],
    [texts.copy, "code-slash", asked.call],
  ].map(([label, name, content]) => {
    const made = button(label, name);
    made.addEventListener("click", () => copy(row, made, label, content));
    return made;
  });
  const sheet = element("a", null, "btn");
  sheet.href = answer.evidence.href.replace("/evidence?", "/evidence.pdf?");
  sheet.target = "_blank";
  sheet.append(icon("file-earmark-pdf"), texts.sheet);
  row.append(...[rulingButton(answer, asked), sheet, ...copies].filter(Boolean));
  return row;
}

async function copy(row, one, label, content) {
  try {
    await navigator.clipboard.writeText(content);
    one.replaceChildren(icon("check-lg"), texts.copied);
  } catch {
    // Browsers withhold the clipboard on plain HTTP, the rule on an intranet: then it is shown, selected.
    const field = element("input", null, "form-control");
    field.readOnly = true;
    field.value = content;
    field.setAttribute("aria-label", label);
    row.append(field);
    field.select();
  }
}
