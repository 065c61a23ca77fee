// The rows that differ as dots over the grids; without WebGL as dots over nothing, the table says the rest.
/* global maplibregl */
import { element, fill, icon, texts } from "../api.js";
import { config, token } from "../map/dom.js";
import { EMPTY, style } from "../map/style.js";
import { hasWebGl } from "../map/view.js";
import { addresses } from "./addresses.js";
import { lookUp } from "./rows.js";

const COLOURS = {
  border: "--wg-accent", "default-point": "--wg-loss", "older-edition": "--wg-level-subdistrict", "other-system": "--wg-level-subdistrict", swapped: "--wg-level-subdistrict",
  renumbered: "--wg-level-community", "unknown-label": "--wg-g6", outside: "--wg-g8", unexplained: "--wg-notice",
};

export class DotMap {
  constructor(place, found, names) {
    Object.assign(this, { place, found, names, features: [], covered: 0 });
    const [west, south, east, north] = found.bounds;
    const spare = Math.max((east - west) * 0.08, (north - south) * 0.08, 0.002);
    this.bounds = [[west - spare, south - spare], [east + spare, north + spare]];
    if (hasWebGl()) this.draw();
    else this.plain = true;
    this.legend();
    this.load();
  }

  draw() {
    maplibregl.setWorkerUrl(new URL(config.worker, location.href).href);
    this.map = new maplibregl.Map({
      container: this.place, style: style(config, null), bounds: this.bounds, fitBoundsOptions: { padding: 40, maxZoom: 16 },
      attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false, maxZoom: 20, fadeDuration: 0,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
    this.map.addControl(new maplibregl.ScaleControl({ maxWidth: 120 }), "bottom-right");
    this.map.on("styleimagemissing", ({ id }) => { if (!this.map.hasImage(id)) this.map.addImage(id, new ImageData(1, 1)); });
    this.ready = new Promise((resolve) => { this.map.once("style.load", resolve); });
    this.ready.then(() => {
      const colour = ["match", ["get", "reason"], ...Object.entries(COLOURS).flatMap(([name, one]) => [name, token(one)]), token("--wg-g6")];
      const size = (near, far) => ["interpolate", ["linear"], ["zoom"], 9, far, 15, near];
      this.map.addSource("dots", { type: "geojson", data: EMPTY });
      this.map.addSource("chosen", { type: "geojson", data: EMPTY });
      this.map.addLayer({ id: "dots", type: "circle", source: "dots", paint: { "circle-color": colour, "circle-radius": size(7, 4), "circle-stroke-color": "#ffffff", "circle-stroke-width": 1.5, "circle-opacity": 0.9 } });
      this.map.addLayer({ id: "chosen", type: "circle", source: "chosen", paint: { "circle-radius": 13, "circle-opacity": 0, "circle-stroke-color": token("--wg-g8"), "circle-stroke-width": 3 } });
      this.map.on("click", "dots", ({ features }) => this.tell(features[0]));
      this.map.on("mouseenter", "dots", () => { this.map.getCanvas().style.cursor = "pointer"; });
      this.map.on("mouseleave", "dots", () => { this.map.getCanvas().style.cursor = ""; });
    });
  }

  async load() {
    const answer = await fetch(addresses.points);
    if (!answer.ok) return;
    this.features = (await answer.json()).features;
    this.all();
  }

  all() {
    this.covered = 0;
    this.set(this.features);
    if (this.map) this.ready.then(() => this.look(this.bounds));
  }

  // The rows of a figure alone; the table covers so much of the map from below.
  only(rows, covered) {
    const isNarrow = matchMedia("(max-width: 767.98px)").matches;
    this.covered = isNarrow ? 0 : covered;
    if (isNarrow) this.place.scrollIntoView({ block: "start" });
    if (this.map && rows.length) this.ready.then(() => this.look(boxOf(rows)));
    this.set(rows.map((row) => ({ type: "Feature", geometry: { type: "Point", coordinates: [row.lon, row.lat] }, properties: { ...row, cells: null } })));
  }

  look(bounds) {
    if (this.popup) this.popup.remove();
    this.map.getSource("chosen").setData(EMPTY);
    const padding = { top: 40, left: 40, right: 40, bottom: 40 + this.covered };
    this.map.fitBounds(bounds, { padding, maxZoom: 16, duration: this.duration() });
  }

  duration() { return matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 500; }

  async set(features) {
    if (this.plain) return this.sketch(features);
    await this.ready;
    return this.map.getSource("dots").setData({ type: "FeatureCollection", features });
  }

  async show(row) {
    if (this.plain) return;
    await this.ready;
    const at = [row.lon, row.lat];
    this.map.getSource("chosen").setData({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: at } });
    const offset = [0, -this.covered / 2 + 40];
    this.map.easeTo({ center: at, zoom: Math.max(this.map.getZoom(), 16), offset, duration: this.duration() });
    this.tell({ geometry: { coordinates: at }, properties: row });
  }

  tell({ geometry, properties }) {
    if (this.popup) this.popup.remove();
    const metres = (value) => (value === null || value === undefined || value === "null" ? "–" : `${Number(value).toFixed(1)} ${texts.m}`);
    const [lon, lat] = geometry.coordinates;
    const card = element("div", { class: "dotcard" }, element("b", {}, this.names[properties.reason] || texts.agrees), element("dl", { class: "kv" },
      element("dt", {}, texts.labelled), element("dd", {}, properties.label), element("dt", {}, texts.ours), element("dd", {}, properties.name || texts.no_grid),
      element("dt", {}, texts.border_m), element("dd", {}, metres(properties.border_m)), element("dt", {}, texts.label_m), element("dd", {}, metres(properties.label_m)),
      element("dt", {}, texts.line), element("dd", {}, String(properties.line))),
    element("a", { class: "btn btn-sm", href: lookUp({ lon, lat }), target: "_blank", rel: "noopener" }, icon("geo-alt"), texts.look_up));
    this.popup = new maplibregl.Popup({ closeButton: true, maxWidth: "280px", offset: 14 }).setLngLat([lon, lat]).setDOMContent(card).addTo(this.map);
  }

  legend() {
    const rows = this.found.reasons.map((one) => element("div", {}, element("i", { class: `dot dot-${one.reason}`, "aria-hidden": "true" }), this.names[one.reason]));
    const title = this.found.disagree ? fill(texts.dots, { count: this.found.disagree.toLocaleString() }) : texts.all_agree;
    this.place.parentElement.append(element("div", { class: "float legend dots-legend" }, element("h3", {}, title), ...rows));
  }

  sketch(features) {
    const NS = "http://www.w3.org/2000/svg";
    const [[west, south], [east, north]] = this.bounds;
    const flat = Math.cos(((south + north) / 2) * Math.PI / 180);
    const scale = 600 / Math.max((east - west) * flat, north - south);
    const svg = document.createElementNS(NS, "svg");
    svg.setAttribute("viewBox", `0 0 ${(east - west) * flat * scale} ${(north - south) * scale}`);
    svg.setAttribute("class", "dots-plain");
    for (const { geometry: { coordinates: [lon, lat] }, properties } of features) {
      const dot = document.createElementNS(NS, "circle");
      dot.setAttribute("cx", (lon - west) * flat * scale);
      dot.setAttribute("cy", (north - lat) * scale);
      dot.setAttribute("r", 4);
      dot.setAttribute("class", `dot-${properties.reason}`);
      svg.append(dot);
    }
    this.place.replaceChildren(svg);
  }
}

function boxOf(rows) {
  const [lons, lats] = [rows.map((row) => row.lon), rows.map((row) => row.lat)];
  return [[Math.min(...lons), Math.min(...lats)], [Math.max(...lons), Math.max(...lats)]];
}
