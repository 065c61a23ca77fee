// What somebody types: a coordinate in one of many spellings, the name or code of a grid, an address or a place.
import { config, element, texts } from "./dom.js";
import { levelName } from "./card.js";
import { isGridItself, likelyPlaces, placeRow } from "./places.js";

const NUMBER = /[-+]?\d+(?:\.\d+)?/g;
const LATITUDE_FIRST = /^\s*(?:北纬|南纬|纬度|lat\w*\s*[:=]?)|^[^,，;；\s]*[NS北南]/i;

// Gives [x, y] where the text is two numbers, with words for directions at most; otherwise null.
export function readPair(text) {
  const bare = text.replace(NUMBER, "").replace(/东经|北纬|经度|纬度|lon(gitude)?|lng|lat(itude)?|[°EN()[\]{}"':=,，;；、\s]/gi, "");
  const numbers = text.match(NUMBER) || [];
  if (bare || numbers.length !== 2) return null;
  const pair = numbers.map(Number);
  return LATITUDE_FIRST.test(text) ? pair.reverse() : pair;
}

// Suggestions under the field, worked by mouse and by arrow keys.
export class Suggestions {
  constructor(field, list, choose) {
    Object.assign(this, { field, list, choose, found: [], active: -1, turn: 0 });
    field.addEventListener("input", () => this.later());
    field.addEventListener("keydown", (event) => this.key(event));
    field.addEventListener("blur", () => setTimeout(() => this.close(), 200));
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), 180);
  }

  async look() {
    const text = this.field.value.trim();
    if (!text || readPair(text) || text.length > 100) return this.close();
    const turn = ++this.turn;
    const [grids, places] = await Promise.all([search(text, 8), likelyPlaces(text, 8)]);
    const found = [...grids, ...places.filter((one) => !grids.some((grid) => isGridItself(one, grid)))];
    if (turn === this.turn && document.activeElement === this.field) this.open(found);
    return undefined;
  }

  open(found) {
    this.found = found;
    this.active = -1;
    const rows = found.map((one, place) => {
      const row = one.properties ? gridRow(one.properties) : placeRow(one);
      row.id = `suggestion-${place}`;
      row.setAttribute("role", "option");
      row.addEventListener("mousedown", (event) => event.preventDefault());
      row.addEventListener("click", () => this.take(place));
      return row;
    });
    if (!rows.length) rows.push(element("li", texts.noGrid, "none muted"));
    this.list.replaceChildren(...rows);
    this.list.hidden = false;
    this.field.setAttribute("aria-expanded", "true");
  }

  close() {
    this.turn++;
    clearTimeout(this.timer);
    this.list.hidden = true;
    this.found = [];
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }

  key(event) {
    if (event.key === "Escape" && !this.list.hidden) {
      event.stopPropagation();
      this.close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!this.found.length) return;
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.active = (this.active + step + this.found.length) % this.found.length;
      [...this.list.children].forEach((row, place) => row.setAttribute("aria-selected", String(place === this.active)));
      this.field.setAttribute("aria-activedescendant", `suggestion-${this.active}`);
    } else if (event.key === "Enter" && this.active >= 0) {
      event.preventDefault();
      this.take(this.active);
    }
  }

  take(place) {
    const one = this.found[place];
    this.field.value = one.properties ? one.properties.name : one.name;
    this.close();
    this.choose(one);
  }
}

function gridRow({ name, level, code }) {
  const row = element("li");
  row.append(element("b", name), element("span", levelName(level), "badge"), element("code", code, "muted"));
  return row;
}

export async function search(text, limit) {
  const answer = await fetch(`${config.api}/grids?limit=${limit}&q=${encodeURIComponent(text)}`);
  return answer.ok ? (await answer.json()).features : [];
}
