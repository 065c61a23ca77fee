// The simple map where there is no WebGL: outlines by Leaflet. Look-ups don't depend on it.
/* global L */
import { token } from "./dom.js";
import { circle, hasWebGl } from "./view.js";

export { hasWebGl };

export class PlainMap {
  constructor(container, config, at) {
    this.config = config;
    this.map = L.map(container, { zoomControl: false, attributionControl: false, preferCanvas: true });
    L.control.scale({ imperial: false, position: "bottomright" }).addTo(this.map);
    if (config.tileUrl) L.tileLayer(config.tileUrl, { maxZoom: 20 }).addTo(this.map);
    this.outlines = L.layerGroup().addTo(this.map);
    this.pin = L.layerGroup().addTo(this.map);
    this.chosen = L.layerGroup().addTo(this.map);
    this.whole();
    this.setMoment(at);
  }

  onPick(answer) { this.map.on("click", ({ latlng }) => answer(latlng.lng, latlng.lat)); }

  onPointer(tell) { this.map.on("mousemove", ({ latlng }) => tell(latlng.lng, latlng.lat)); }

  zoom(steps) { this.map.setZoom(this.map.getZoom() + steps); }

  whole() {
    this.fit(this.config.bounds || [[73, 18], [135, 54]]);
  }

  fit([[west, south], [east, north]]) { this.map.fitBounds([[south, west], [north, east]]); }

  showPosition(lon, lat, accuracy, mayMove, mayStay = false) {
    this.pin.clearLayers();
    const accent = token("--wg-accent");
    if (accuracy > 0) L.geoJSON(circle(lon, lat, accuracy), { interactive: false, style: { color: accent, weight: 1, fillOpacity: 0.1 } }).addTo(this.pin);
    L.circleMarker([lat, lon], { radius: 7, color: "#fff", weight: 2.5, fillColor: accent, fillOpacity: 1, interactive: false }).addTo(this.pin);
    if (mayMove || (this.map.getZoom() < 14 && !mayStay)) this.map.setView([lat, lon], Math.max(this.map.getZoom(), 15));
  }

  async select(level, id, code) {
    this.chosen.clearLayers();
    if (!code) return;
    const answer = await fetch(`${this.config.api}/grids/${encodeURIComponent(code)}.geojson?level=${encodeURIComponent(level)}`);
    if (answer.ok) L.geoJSON(await answer.json(), { interactive: false, style: { color: token("--wg-sel"), weight: 3, fillOpacity: 0.14 } }).addTo(this.chosen);
    this.pin.eachLayer((one) => one.bringToFront());
  }

  clear() {
    this.pin.clearLayers();
    this.chosen.clearLayers();
  }

  async setMoment(at) {
    const query = at ? `?at=${encodeURIComponent(at)}` : "";
    const coarse = this.config.levels.slice(0, Math.max(1, this.config.levels.length - 1)).reverse();
    const answers = await Promise.all(coarse.map((level) => fetch(`${this.config.tiles}/current/${level.code}.geojson${query}`)));
    const drawn = await Promise.all(answers.map((answer) => (answer.ok ? answer.json() : null)));
    this.outlines.clearLayers();
    drawn.forEach((outlines, place) => {
      const strong = place === drawn.length - 1;
      const style = { color: token(strong ? "--wg-level-subdistrict" : "--wg-level-community"), weight: strong ? 2.5 : 0.8, fill: false };
      if (outlines) L.geoJSON(outlines, { interactive: false, style }).addTo(this.outlines);
    });
  }

  show() {}
}
