// Places of the city's lists: found by name, alias or address, listed where several may be meant.
import { config, element, icon, say, texts } from "./dom.js";

export const LIKELY = 0.6;

// Gives {places, clear}: clear is the id of the one place that is meant, where there is one.
export async function findPlaces(text, limit) {
  const answer = await fetch(`${config.api}/places?limit=${limit}&q=${encodeURIComponent(text)}`);
  return answer.ok ? answer.json() : { places: [], clear: null };
}

export async function likelyPlaces(text, limit) {
  return (await findPlaces(text, limit)).places.filter((one) => one.score >= LIKELY);
}

// A grid and a place of its name on its ground are the same to whoever looks for one.
export function isGridItself(place, grid) {
  return place.name === grid.properties.name && Boolean(place.grid) && place.grid.code === grid.properties.code;
}

export function placeRow(place) {
  const row = element("li", null, "place");
  row.append(icon("geo-alt"), element("b", place.name));
  const also = place.matched.text === place.name ? place.address : place.matched.text;
  if (also && also !== place.name) row.append(element("span", also, "muted"));
  const grid = place.grid ? place.grid.name : texts.outside;
  if (grid !== place.name) row.append(element("span", grid, "muted end"));
  return row;
}

// What to show where an address is not clearly one place: pick one, nothing is guessed.
export function candidateCard(detail, places, choose) {
  const note = element("div", null, "alert alert-notice");
  note.setAttribute("role", "alert");
  note.append(icon("exclamation-triangle"), element("div", detail));
  const list = element("ul", null, "candidates");
  for (const place of places) {
    const pick = element("button");
    pick.type = "button";
    pick.append(...placeRow(place).childNodes);
    pick.addEventListener("click", () => choose(place));
    const row = element("li");
    row.append(pick);
    list.append(row);
  }
  return [note, list];
}

// Which place of which list an answer was found by, and what of the question the list does not say.
export function placeSection(place) {
  const made = element("div", null, "sect by-place");
  const words = element("p", null, "why");
  words.append(element("b", place.name));
  if (place.address && place.address !== place.name) words.append(` ${place.address}`);
  if (place.matched.field === "alias") words.append(` ${say("alias", { name: place.matched.text })}`);
  const source = element("p", say("ofList", { list: place.list.name, edition: place.list.edition }), "muted xs");
  if (place.not_in_list.length) source.append(` ${say("notInList", { numbers: place.not_in_list.map((one) => one.value).join("-") })}`);
  made.append(element("h3", texts.place), words, source);
  return made;
}
