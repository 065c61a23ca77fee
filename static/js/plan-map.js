// The plan on the map: its faces to click on, its levels as lines, the findings hatched over them.

import { token } from "./map/dom.js";

const LINES = [["--wg-level-subdistrict", 2.6], ["--wg-level-community", 1.5], ["--wg-level-yard", 0.8]];
// Drawn by the browser from its own fonts, so no font server is needed.
const FONTS = ["Noto Sans SC", "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei"];

export function drawMap(root, data, { onFace, onHover, onFinding }) {
  const tiles = new URL(root.dataset.tiles, location.href).href;
  window.maplibregl.setWorkerUrl(root.dataset.worker);
  const bounds = data.bounds || [73, 18, 135, 54];
  const map = new window.maplibregl.Map({
    container: "map", bounds, fitBoundsOptions: { padding: 24 }, attributionControl: false, dragRotate: false, pitchWithRotate: false,
    style: { version: 8, sources: sourcesOf(tiles, root, data), layers: layersOf(data) },
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new window.maplibregl.NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new window.maplibregl.ScaleControl(), "bottom-left");
  map.on("click", (event) => {
    const [finding] = map.queryRenderedFeatures(event.point, { layers: ["finding-fill", "finding-point"] });
    if (finding) onFinding(finding.properties.number);
    const [face] = map.queryRenderedFeatures(event.point, { layers: ["faces"] });
    onFace(face ? face.properties : null);
  });
  map.on("mousemove", "faces", (event) => onHover(event.features[0].properties, event.point));
  map.on("mouseleave", "faces", () => onHover(null));
  return {
    map,
    reload: (version) => {
      for (const name of ["faces", ...data.levels.map((one) => one.code)]) map.getSource(name)?.setTiles([`${tiles}${name}/{z}/{x}/{y}.mvt?v=${version}`]);
    },
    showFindings: (findings) => whenReady(map, () => map.getSource("findings").setData(collection(findings))),
    select: (id) => map.setFilter("face-selected", ["==", ["get", "id"], id || ""]),
    zoomTo: (box) => map.fitBounds(box, { padding: 90, maxZoom: 18, duration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 500 }),
  };
}

function whenReady(map, work) {
  if (map.getSource("findings")) work();
  else map.once("load", work);
}

function sourcesOf(tiles, root, data) {
  const vector = (name) => ({ type: "vector", tiles: [`${tiles}${name}/{z}/{x}/{y}.mvt?v=${data.plan.version}`], maxzoom: 16 });
  const backdrop = { type: "vector", tiles: [`${new URL(root.dataset.backdrop, location.href).href}{z}/{x}/{y}.mvt`], maxzoom: 16 };
  const sources = { backdrop, faces: vector("faces"), findings: { type: "geojson", data: collection([]) } };
  for (const level of data.levels) sources[level.code] = vector(level.code);
  return sources;
}

function layersOf(data) {
  const finding = token("--wg-finding");
  const fill = (layer, color) => ({ id: `b-${layer}`, type: "fill", source: "backdrop", "source-layer": layer, filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": color } });
  const lines = data.levels.map((level, at) => {
    const [color, width] = LINES[Math.min(at, LINES.length - 1)];
    return { id: `line-${level.code}`, type: "line", source: level.code, "source-layer": level.code, paint: { "line-color": token(color), "line-width": ["interpolate", ["linear"], ["zoom"], 9, width * 0.6, 15, width] } };
  });
  return [
    { id: "ground", type: "background", paint: { "background-color": token("--wg-map-bg") } },
    { id: "faces", type: "fill", source: "faces", "source-layer": "faces", paint: { "fill-color": ["match", ["get", "kind"], "gap", token("--wg-g3"), "public", token("--wg-g2"), token("--wg-map-land")] } },
    fill("parks", token("--wg-map-park")), fill("water", token("--wg-map-water")), fill("buildings", token("--wg-map-bld")),
    { id: "b-roads", type: "line", source: "backdrop", "source-layer": "roads", paint: { "line-color": "#ffffff", "line-width": 2 } },
    { id: "face-lines", type: "line", source: "faces", "source-layer": "faces", paint: { "line-color": token("--wg-level-yard"), "line-width": 0.7 } },
    ...lines.reverse(),
    { id: "face-label", type: "symbol", source: "faces", "source-layer": "labels", minzoom: 11, layout: { "text-field": ["get", "name"], "text-font": FONTS, "text-size": 12, "text-max-width": 8, "text-padding": 4, "symbol-sort-key": ["-", 0, ["get", "size"]] }, paint: { "text-color": token("--wg-map-text"), "text-halo-color": "#ffffff", "text-halo-width": 1.5 } },
    { id: "face-selected", type: "fill", source: "faces", "source-layer": "faces", filter: ["==", ["get", "id"], ""], paint: { "fill-color": token("--wg-sel"), "fill-opacity": 0.28, "fill-outline-color": token("--wg-sel") } },
    { id: "finding-fill", type: "fill", source: "findings", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": finding, "fill-opacity": ["case", ["get", "selected"], 0.5, 0.28] } },
    { id: "finding-line", type: "line", source: "findings", filter: ["!=", ["geometry-type"], "Point"], paint: { "line-color": finding, "line-width": ["case", ["get", "selected"], 3.5, 1.8] } },
    { id: "finding-point", type: "circle", source: "findings", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-color": finding, "circle-radius": ["case", ["get", "selected"], 8, 5], "circle-stroke-color": "#ffffff", "circle-stroke-width": 2 } },
  ];
}

// Each finding with ground is its shape and a dot, so that a sliver is seen from afar as well.
function collection(findings) {
  const features = [];
  for (const one of findings.filter((each) => each.geometry)) {
    const properties = { number: one.key, selected: Boolean(one.selected) };
    const [west, south, east, north] = boxOf(one.geometry);
    features.push({ type: "Feature", properties, geometry: one.geometry });
    features.push({ type: "Feature", properties, geometry: { type: "Point", coordinates: [(west + east) / 2, (south + north) / 2] } });
  }
  return { type: "FeatureCollection", features };
}

export function boxOf(geometry) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const visit = (part) => {
    if (typeof part[0] !== "number") return part.forEach(visit);
    box[0] = Math.min(box[0], part[0]); box[1] = Math.min(box[1], part[1]);
    box[2] = Math.max(box[2], part[0]); box[3] = Math.max(box[3], part[1]);
  };
  if (geometry.type === "GeometryCollection") geometry.geometries.forEach((one) => visit(one.coordinates));
  else visit(geometry.coordinates);
  return box;
}
