// Which map is shown: that in force now, that of an edition, or that of a day.
import { config, element, minute, say, texts } from "./dom.js";

const CHECK_SECONDS = 60;

export class Editions {
  constructor(panel, switchTo) {
    Object.assign(this, { panel, switchTo, at: null, known: "" });
    this.select = panel.querySelector("select");
    this.date = panel.querySelector("input[type=date]");
    this.select.addEventListener("change", () => this.choose(this.select.value || null));
    this.date.addEventListener("change", () => this.choose(this.date.value || null));
    setInterval(() => this.refresh(), CHECK_SECONDS * 1000);
  }

  async refresh() {
    const answer = await fetch(`${config.api}/editions?limit=200`).catch(() => null);
    if (!answer || !answer.ok) return;
    const { editions } = await answer.json();
    const inForce = JSON.stringify(editions.filter((one) => !one.waiting).map((one) => [one.district, one.number]));
    const changed = this.known && this.known !== inForce;
    this.known = inForce;
    this.fill(editions);
    if (changed && !this.at) this.switchTo(null, true);
  }

  // Editions that took force together are one choice: the city as it was from then on.
  fill(editions) {
    const together = new Map();
    for (const one of editions) {
      const moment = one.in_force_from;
      if (!together.has(moment)) together.set(moment, []);
      together.get(moment).push(one);
    }
    const moments = [...together.keys()].sort((a, b) => new Date(b) - new Date(a));
    this.select.replaceChildren(this.option("", texts.now), ...moments.map((moment) => this.option(moment, describe(moment, together.get(moment)))));
    this.select.value = this.at && together.has(this.at) ? this.at : "";
  }

  option(value, label) {
    const made = element("option", label);
    made.value = value;
    return made;
  }

  choose(at) {
    this.at = at;
    if (at !== this.select.value) this.select.value = "";
    if (at !== this.date.value) this.date.value = "";
    this.switchTo(at, false);
  }
}

function describe(moment, editions) {
  const numbers = [...new Set(editions.map((one) => one.number))].join(" / ");
  const words = say("edition", { number: numbers, day: minute(moment) });
  return editions.some((one) => one.waiting) ? `${words} · ${texts.waitingEdition}` : words;
}
