// The map page: ask by click, coordinate or name; answer on the card, on the map and in the address bar.
import { readPair, search, Suggestions } from "./ask.js";
import { assignmentCard, failure, gridCard, waiting } from "./card.js";
import { config, say, texts } from "./dom.js";
import { Editions } from "./editions.js";
import { GridList } from "./list.js";
import { PlainMap } from "./plain.js";
import { candidateCard, findPlaces, LIKELY, placeSection } from "./places.js";
import { hasWebGl, LiveMap } from "./view.js";

const form = document.getElementById("ask");
const card = document.getElementById("card");
const sheet = document.getElementById("sheet");
const { q, crs, epsg, accuracy_m: accuracy } = form.elements;
const from = new URLSearchParams(location.search);
let at = from.get("at");
let turn = 0;

const view = start();
const editions = new Editions(document.getElementById("editions"), switchEdition);
const list = new GridList(document.getElementById("list"), chooseGrid);
const suggestions = new Suggestions(q, document.getElementById("suggestions"), choose);

function start() {
  const container = document.getElementById("map");
  if (hasWebGl()) {
    try {
      const pair = ["wgs84", "cgcs2000"].includes(from.get("crs")) && readPair(q.value);
      return new LiveMap(container, config, at, pair && Math.abs(pair[1]) < 85 ? pair : null);
    } catch {
      container.replaceChildren();
    }
  }
  document.getElementById("no-webgl").hidden = false;
  return new PlainMap(container, config, at);
}

function show(content, kind = "") {
  card.replaceChildren(...content);
  sheet.dataset.kind = kind;
  sheet.hidden = false;
  document.body.classList.add("has-card");
  card.scrollTop = 0;
}

function close() {
  turn++;
  sheet.hidden = true;
  sheet.classList.remove("tall");
  document.body.classList.remove("has-card");
  view.clear();
  history.replaceState(null, "", location.pathname);
}

function chosenCrs() {
  return crs.value === "other" ? epsg.value.trim() : crs.value;
}

function address(what) {
  const wanted = new URL(config.assign, location.href);
  const given = { ...what, accuracy_m: accuracy.value.trim(), at };
  for (const [name, value] of Object.entries(given)) if (value !== "" && value !== null) wanted.searchParams.set(name, value);
  return wanted;
}

async function get(url) {
  try {
    const response = await fetch(url, { headers: { "Accept-Language": document.documentElement.lang } });
    const body = await response.json();
    return response.ok ? { body } : { problem: body.detail, request: response.status >= 500 ? body.request_id : null };
  } catch {
    return { problem: texts.unreachable };
  }
}

async function askPosition([lon, lat], { mayMove, isTyped }) {
  const mine = ++turn;
  const url = address({ lon, lat, crs: chosenCrs() });
  show(waiting());
  const { body: answer, problem, request } = await get(url);
  if (mine !== turn) return; // a newer question is on its way
  if (answer) showAnswer(answer, url, { mayMove, isTyped });
  else show(failure(problem, request));
}

function showAnswer(answer, url, asked) {
  const { mayMove, isTyped, place } = asked;
  const shared = link({ q: q.value.trim(), crs: chosenCrs(), accuracy_m: accuracy.value.trim(), at });
  history.replaceState(null, "", shared);
  const pinned = link({ q: q.value.trim(), crs: chosenCrs(), accuracy_m: accuracy.value.trim(), at: at || answer.answered_at });
  const made = assignmentCard(answer, {
    call: `curl '${url}'`, link: pinned.href, accuracy: Number(accuracy.value) || 0, reread, at,
    again: async () => {
      const { body } = await get(url);
      if (body) showAnswer(body, url, { ...asked, mayMove: false });
    },
    mayBeShifted: isTyped && ["wgs84", "cgcs2000"].includes(crs.value) && [...crs.options].some((one) => one.value === "gcj02"),
  });
  if (place) made.splice(1, 0, placeSection(place));
  show(made, answer.status);
  const { lon, lat } = answer.position;
  view.showPosition(lon, lat, Number(accuracy.value) || 0, mayMove && answer.status !== "outside", answer.status === "outside");
  if (mayMove && answer.status === "outside" && config.bounds) view.fit(around(config.bounds, lon, lat)); // how far off it is
  view.select(answer.grid && answer.grid.level, answer.grid && answer.grid.id, answer.grid && answer.grid.code);
}

function around([[west, south], [east, north]], lon, lat) {
  return [[Math.min(west, lon), Math.min(south, lat)], [Math.max(east, lon), Math.max(north, lat)]];
}

function link(given) {
  const made = new URL(location.pathname, location.href);
  for (const [name, value] of Object.entries(given)) if (value) made.searchParams.set(name, value);
  return made;
}

// No latitude is beyond 90°: the server would only say so, and offer nothing.
function isSwapped([x, y]) {
  return crs.value !== "other" && Math.abs(x) <= 90 && Math.abs(y) > 90 && Math.abs(y) <= 180;
}

function reread({ crs: other, swap }) {
  const pair = readPair(q.value);
  if (swap) q.value = `${pair[1]}, ${pair[0]}`;
  else crs.value = other;
  toggleEpsg();
  ask();
}

async function ask(event) {
  if (event) event.preventDefault();
  const text = q.value.trim();
  const pair = readPair(text);
  suggestions.close();
  if (pair && isSwapped(pair)) return show(failure(texts.swapped, null, { label: texts.swap, deed: () => reread({ swap: true }) }));
  if (pair) return askPosition(pair, { mayMove: true, isTyped: true });
  // Digits alone may be a code; with points or commas they are a coordinate that lacks a number.
  if (/^[-+\d.,，;；\s]+$/.test(text) && !/^\d+$/.test(text)) return show(failure(texts.unreadable));
  return askAddress(text);
}

// A grid of this very name or code is shown; else the one place the text means; else what it may mean.
async function askAddress(text) {
  const mine = ++turn;
  show(waiting());
  const [first] = await search(text, 1);
  if (mine !== turn) return;
  if (first && [first.properties.name, first.properties.code].includes(text)) return chooseGrid(first);
  const { places, clear } = await findPlaces(text, 10);
  if (mine !== turn) return;
  if (!clear && places.length && (!first || places[0].score >= LIKELY)) return show(candidateCard(say("unclear", { text }), places, choosePlace));
  if (!clear) return first ? chooseGrid(first) : show(failure(say("noSuch", { text })));
  const url = address({ address: text });
  const { body: answer, problem, request } = await get(url);
  if (mine !== turn) return;
  if (answer) showAnswer(answer, url, { mayMove: true, place: answer.place });
  else show(failure(problem, request));
}

function choose(one) {
  return one.properties ? chooseGrid(one) : choosePlace(one);
}

async function choosePlace(place) {
  const mine = ++turn;
  q.value = place.name;
  const url = address({ lon: place.position.lon, lat: place.position.lat, crs: config.mapCrs });
  show(waiting());
  const { body: answer, problem, request } = await get(url);
  if (mine !== turn) return;
  if (!answer) return show(failure(problem, request));
  showAnswer(answer, url, { mayMove: true, place });
  history.replaceState(null, "", link({ q: `${place.position.lon}, ${place.position.lat}`, crs: config.mapCrs, accuracy_m: accuracy.value.trim(), at }));
}

// A grid that somebody names is shown whole; who leads it and what it belongs to tells a look-up inside it.
async function chooseGrid(feature) {
  const mine = ++turn;
  const { code, level, scheme } = feature.properties;
  show(waiting());
  const where = `${config.api}/grids/${encodeURIComponent(code)}.geojson?${new URLSearchParams({ level, scheme })}`;
  const { body: grid, problem, request } = await get(where);
  if (mine !== turn) return;
  if (!grid || !grid.bbox) {
    show(failure(problem || say("noSuch", { text: code }), request));
    return;
  }
  const [west, south, east, north] = grid.bbox;
  const url = new URL(config.assign, location.href);
  const [lon, lat] = grid.properties.spot;
  for (const [name, value] of Object.entries({ lon, lat, crs: "cgcs2000", level })) url.searchParams.set(name, value);
  const { body: answer } = await get(url);
  if (mine !== turn) return;
  show(gridCard(feature.properties, answer ? answer.chain : [], answer && answer.edition));
  view.clear();
  view.fit([[west, south], [east, north]]);
  view.select(level, feature.id, code);
  history.replaceState(null, "", link({ q: feature.properties.name }));
}

function switchEdition(moment, isNews) {
  at = moment;
  view.setMoment(moment);
  const note = document.getElementById("past");
  note.hidden = !moment;
  document.getElementById("news").hidden = !isNews;
  if (isNews) setTimeout(() => { document.getElementById("news").hidden = true; }, 8000);
  const pair = readPair(q.value);
  if (pair && !sheet.hidden) askPosition(pair, { mayMove: false });
}

function toggleEpsg() {
  epsg.hidden = crs.value !== "other";
}

function wireMap() {
  view.onPick((lon, lat) => {
    q.value = `${lon.toFixed(6)}, ${lat.toFixed(6)}`;
    crs.value = config.mapCrs;
    toggleEpsg();
    askPosition([lon.toFixed(6), lat.toFixed(6)], { mayMove: false });
  });
  const where = document.getElementById("where");
  view.onPointer((lon, lat) => { where.textContent = `${lon.toFixed(5)}, ${lat.toFixed(5)}`; });
  const on = (id, deed) => document.getElementById(id).addEventListener("click", deed);
  on("zoom-in", () => view.zoom(1));
  on("zoom-out", () => view.zoom(-1));
  on("whole", () => view.whole());
  on("open-list", () => list.toggle());
  on("open-options", () => document.body.classList.toggle("options-open"));
  on("to-now", () => editions.choose(null));
  on("grab", () => sheet.classList.toggle("tall"));
  on("close-card", close);
  for (const box of document.querySelectorAll("#layers input")) {
    box.addEventListener("change", () => view.show(box.value, box.checked));
  }
}

function wireKeys() {
  document.addEventListener("keydown", (event) => {
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !isTyping) {
      event.preventDefault();
      q.focus();
      q.select();
    }
    if (event.key !== "Escape") return;
    if (!document.getElementById("list").hidden) list.toggle(false);
    else if (document.body.classList.contains("options-open")) document.body.classList.remove("options-open");
    else close();
  });
}

function openFromAddress() {
  if (from.get("crs")) {
    const known = [...crs.options].some((one) => one.value === from.get("crs"));
    crs.value = known ? from.get("crs") : "other";
    if (!known) epsg.value = from.get("crs");
  }
  toggleEpsg();
  if (from.has("accuracy_m")) accuracy.value = from.get("accuracy_m");
  if (at) document.getElementById("past").hidden = false;
  editions.at = at;
  if (q.value.trim()) ask();
}

form.addEventListener("submit", ask);
crs.addEventListener("change", toggleEpsg);
wireMap();
wireKeys();
editions.refresh();
openFromAddress();
document.body.dataset.ready = "yes";
