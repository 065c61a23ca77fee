// The map as a table: the grids in force, level by level, page by page.
import { button, config, element, texts } from "./dom.js";

export class GridList {
  constructor(panel, choose) {
    Object.assign(this, { panel, choose, level: config.levels[0] && config.levels[0].code });
    this.tabs = panel.querySelector(".seg");
    this.rows = panel.querySelector("tbody");
    this.more = panel.querySelector(".more");
    for (const level of config.levels) {
      const tab = button(level.name, null, "");
      tab.setAttribute("aria-pressed", String(level.code === this.level));
      tab.addEventListener("click", () => this.show(level.code));
      tab.dataset.level = level.code;
      this.tabs.append(tab);
    }
    this.more.addEventListener("click", () => this.fetch(this.next));
    panel.querySelector(".close").addEventListener("click", () => this.toggle(false));
  }

  toggle(on = this.panel.hidden) {
    this.panel.hidden = !on;
    if (on && !this.rows.children.length) this.show(this.level);
    if (on) this.tabs.querySelector("button")?.focus();
  }

  show(level) {
    this.level = level;
    for (const tab of this.tabs.children) tab.setAttribute("aria-pressed", String(tab.dataset.level === level));
    this.rows.replaceChildren();
    return this.fetch(`${config.api}/grids?level=${encodeURIComponent(level)}&limit=100`);
  }

  async fetch(address) {
    const level = this.level;
    const answer = await fetch(address).catch(() => null);
    if (!answer || !answer.ok) {
      this.rows.append(this.sentence(texts.unreachable));
      return;
    }
    const { features, links } = await answer.json();
    if (level !== this.level) return; // another tab meanwhile
    for (const feature of features) this.rows.append(this.row(feature));
    if (!this.rows.children.length) this.rows.append(this.sentence(texts.noGrid));
    this.next = links.length ? links[0].href : null;
    this.more.hidden = !this.next;
  }

  row(feature) {
    const { name, code, parent, district } = feature.properties;
    const row = element("tr");
    const named = element("td");
    const open = button(name, null, "link");
    open.addEventListener("click", () => this.choose(feature));
    named.append(open);
    const coded = element("td");
    coded.append(element("code", code));
    row.append(named, coded, element("td", parent || district));
    return row;
  }

  sentence(words) {
    const row = element("tr");
    const only = element("td", words, "muted");
    only.colSpan = 3;
    row.append(only);
    return row;
  }
}

