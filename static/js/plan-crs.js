// The question of the coordinate system: candidates with what speaks for each, never a silent guess.
import { element, fill, icon, texts } from "./api.js";

const SHOWN = 4;

export function chooseSystem(layer, chosen, choose, preview) {
  const now = chosen.crs || layer.crs;
  const doubted = !chosen.crs && preview && preview.doubts && preview.doubts.length > 0;
  const header = !now ? texts.crs_missing : doubted ? texts.crs_suspect : fill(texts.crs, { crs: now });
  const settled = now && !doubted;
  const body = element("div", {}, element("p", { class: "small" }, layer.crs_evidence));
  const box = element("section", { class: `ask${settled ? " ok" : ""}`, id: "ask-crs" },
    element("header", {}, icon(settled ? "check-circle" : "exclamation-triangle"), element("span", { class: settled ? "" : "notice-text" }, header)), body);
  const list = candidates(layer, chosen, choose);
  if (layer.crs) body.append(element("details", { open: Boolean(doubted || chosen.crs) }, element("summary", {}, texts.choose), list));
  else body.append(list);
  return box;
}

function candidates(layer, chosen, choose) {
  const fitting = layer.crs_candidates.filter((one) => one.fits);
  const known = fitting.some((one) => one.distance_m !== null);
  const shown = known ? fitting.slice(0, SHOWN) : fitting.slice(0, fitting.length > 8 ? 0 : SHOWN);
  if (chosen.crs && !shown.some((one) => one.key === chosen.crs)) shown.push(...fitting.filter((one) => one.key === chosen.crs));
  const rest = fitting.filter((one) => !shown.includes(one));
  const misfits = layer.crs_candidates.filter((one) => !one.fits).slice(0, 2);
  const list = element("div", {}, ...shown.map((one, at) => option(one, isLikeliest(one, at, shown, known), chosen, choose)), ...misfits.map((one) => option(one, false, chosen, choose)));
  if (rest.length) list.append(others(rest, choose));
  list.append(typed(chosen, choose, layer));
  return list;
}

// What labels say is surer than what the ground does.
function isLikeliest(one, at, shown, known) {
  if (one.is_likeliest !== undefined) return one.is_likeliest;
  return known && at === 0 && one.share > 0 && !(shown[1] && shown[1].share);
}

function option(one, likeliest, chosen, choose) {
  return element("label", { class: `opt${chosen.crs === one.key ? " on" : ""}` },
    element("input", { type: "radio", class: "form-check-input", name: "crs", value: one.key, checked: chosen.crs === one.key, disabled: !one.fits, onchange: () => choose({ crs: one.key }) }),
    element("span", {}, one.name), likeliest ? element("span", { class: "badge badge-accent" }, texts.likeliest) : element("span"),
    element("span", { class: "muted xs place" }, evidence(one)));
}

function evidence(one) {
  if (!one.fits || !one.centre) return texts.not_fitting;
  if (one.agreement) return fill(texts.agreeing, { percent: `${Math.round(one.agreement * 100)} %` });
  const place = `${one.centre[0].toFixed(3)}°, ${one.centre[1].toFixed(3)}°`;
  if (one.distance_m === null) return fill(texts.lies_at, { place });
  if (one.share > 0) return fill(texts.lies_inside, { percent: `${Math.round(one.share * 100)} %`, place });
  return fill(texts.lies_away, { km: Math.round(one.distance_m / 1000).toLocaleString(), place });
}

function others(rest, choose) {
  const select = element("select", { class: "form-select", id: "more-crs", "aria-label": fill(texts.more_zones, { count: rest.length }), onchange: (event) => event.target.value && choose({ crs: event.target.value }) },
    element("option", { value: "" }, fill(texts.more_zones, { count: rest.length })),
    ...rest.map((one) => element("option", { value: one.key }, `${one.name} · ${evidence(one)}`)));
  return element("div", { class: "inline" }, select);
}

function typed(chosen, choose, layer) {
  const own = chosen.crs && !layer.crs_candidates.some((one) => one.key === chosen.crs) ? chosen.crs : "";
  const input = element("input", { class: "form-control", id: "crs-text", placeholder: "EPSG:4547", value: own, autocomplete: "off" });
  return element("div", { class: "inline" }, element("label", { class: "small", for: "crs-text" }, texts.other_crs), input,
    element("button", { type: "button", class: "btn btn-sm", onclick: () => input.value.trim() && choose({ crs: input.value.trim() }) }, texts.use_it));
}
