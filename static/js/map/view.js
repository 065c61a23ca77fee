// The live map: MapLibre over our own tiles. `plain.js` offers the same where there is no WebGL.
/* global maplibregl */
import { token } from "./dom.js";
import { EMPTY, look, style, tileAddress } from "./style.js";

const NEAR = 16; // a zoom at which the finest grid is seen whole with its neighbours

export function hasWebGl() {
  if (new URLSearchParams(location.search).has("plain")) return false;
  const canvas = document.createElement("canvas");
  return typeof maplibregl !== "undefined" && Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
}

export class LiveMap {
  // `start`: where to look first, [lon, lat]; without it the whole city.
  constructor(container, config, at, start) {
    this.config = config;
    const first = start ? { center: start, zoom: NEAR } : { bounds: config.bounds || [73, 18, 135, 54], fitBoundsOptions: { padding: 24 } };
    maplibregl.setWorkerUrl(new URL(config.worker, location.href).href);
    this.map = new maplibregl.Map({
      container, style: style(config, at), ...first,
      attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false, maxZoom: 20,
      refreshExpiredTiles: false, fadeDuration: 0,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.addControl(new maplibregl.ScaleControl({ maxWidth: 120 }), "bottom-right");
    this.map.on("styleimagemissing", ({ id }) => { if (id === "hatch-gap" && !this.map.hasImage(id)) this.map.addImage(id, hatch()); });
    this.ready = new Promise((resolve) => this.map.once("style.load", resolve));
    this.hovered = null;
    this.map.on("mousemove", (event) => this.hover(event.point));
    this.map.getCanvas().addEventListener("mouseleave", () => this.ready.then(() => this.lift(null, null)));
  }

  onPick(answer) { this.map.on("click", ({ lngLat }) => answer(lngLat.lng, lngLat.lat)); }

  onPointer(tell) { this.map.on("mousemove", ({ lngLat }) => tell(lngLat.lng, lngLat.lat)); }

  zoom(steps) { if (steps > 0) this.map.zoomIn(); else this.map.zoomOut(); }

  whole() { if (this.config.bounds) this.map.fitBounds(this.config.bounds, { padding: 24 }); }

  fit(bounds) { this.map.fitBounds(bounds, { padding: this.padding(), maxZoom: 17 }); }

  // What the panels cover of the map is not where the answer should appear.
  padding() {
    const narrow = window.innerWidth < 768;
    return narrow ? { top: 90, bottom: Math.round(window.innerHeight * 0.5), left: 24, right: 24 } : { top: 80, bottom: 60, left: 430, right: 80 };
  }

  async showPosition(lon, lat, accuracy, mayMove, mayStay = false) {
    await this.ready;
    const features = [point(lon, lat)];
    if (accuracy > 0) features.unshift(circle(lon, lat, accuracy));
    this.map.getSource("pin").setData({ type: "FeatureCollection", features });
    const isFar = this.map.getZoom() < NEAR - 2;
    if (mayMove || (isFar && !mayStay)) this.map.easeTo({ center: [lon, lat], zoom: isFar ? NEAR : this.map.getZoom(), padding: this.padding(), duration: 600 });
  }

  async select(level, id) {
    await this.ready;
    for (const { code } of this.config.levels) {
      const filter = ["==", ["get", "id"], code === level && id ? id : ""];
      for (const part of ["fill", "halo", "line"]) this.map.setFilter(`${code}-selected-${part}`, filter);
    }
  }

  async clear() {
    await this.ready;
    this.select(null, null);
    this.map.getSource("pin").setData(EMPTY);
  }

  async setMoment(at) {
    await this.ready;
    for (const name of ["district", ...this.config.levels.map((level) => level.code)]) {
      this.map.getSource(name).setTiles([tileAddress(this.config.tiles, name, at)]);
    }
  }

  async show(what, on) {
    await this.ready;
    const ids = this.map.getStyle().layers.map((layer) => layer.id);
    for (const id of ids) if (id === what || ( id.startsWith(`${what}-`) && !id.includes("-selected-") && !id.endsWith("-hit"))) this.map.setLayoutProperty(id, "visibility", on ? "visible" : "none");
  }

  // The finest grid that is drawn at this zoom; its parts in several tiles are found one by one.
  hover(at) {
    if (!this.map.isStyleLoaded()) return;
    const zoom = this.map.getZoom();
    const level = [...this.config.levels].reverse().find((one) => zoom >= look(this.config.levels, this.config.levels.indexOf(one)).from);
    const [found] = level ? this.map.queryRenderedFeatures(at, { layers: [`${level.code}-hit`] }) : [];
    this.map.getCanvas().style.cursor = found ? "pointer" : "";
    this.lift(level, found ? found.properties.id : null);
  }

  lift(level, id) {
    if (id === this.hovered) return;
    this.hovered = id;
    const parts = id ? this.map.querySourceFeatures(level.code, { sourceLayer: "grids", filter: ["==", ["get", "id"], id] }) : [];
    const features = parts.map(({ geometry }) => ({ type: "Feature", properties: {}, geometry }));
    this.map.getSource("hover").setData({ type: "FeatureCollection", features });
  }
}

function point(lon, lat) {
  return { type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [lon, lat] } };
}

export function circle(lon, lat, metres) {
  const high = metres / 111132;
  const wide = high / Math.max(0.01, Math.cos((lat * Math.PI) / 180));
  const ring = Array.from({ length: 49 }, (_, step) => [lon + wide * Math.cos((step * Math.PI) / 24), lat + high * Math.sin((step * Math.PI) / 24)]);
  return { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [ring] } };
}

function hatch() {
  const size = 16;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const pen = canvas.getContext("2d");
  pen.strokeStyle = token("--wg-kind-gap");
  pen.globalAlpha = 0.55;
  pen.lineWidth = 1.6;
  for (const shift of [-size, 0, size]) {
    pen.beginPath();
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
    pen.stroke();
  }
  return pen.getImageData(0, 0, size, size);
}
