// The map's style: light ground, dark lines, the grids' borders darkest. Glyphs are drawn by the browser
// from its own fonts, Chinese and Latin alike, so no font server is needed.
import { token } from "./dom.js";

const FONTS = ["Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei"];
const REGULAR = ["Noto Sans SC", ...FONTS];
const BOLD = ["Noto Sans SC Bold", ...FONTS];
export const EMPTY = { type: "FeatureCollection", features: [] };

const by = (zoom, ...stops) => ["interpolate", ["exponential", 1.5], ["zoom"], zoom, ...stops];
const LOOKS = {
  coarse: { token: "--wg-level-subdistrict", width: [9, 1.2, 14, 3], halo: 3.5, from: 7, label: [9.5, 17, "--wg-level-subdistrict", BOLD, 0.12] },
  middle: { token: "--wg-level-community", width: [11, 0.5, 16, 1.8], halo: 2.4, from: 11, label: [12.5, 13, "--wg-map-com", BOLD, 0] },
  fine: { token: "--wg-level-yard", width: [13, 0.3, 16, 1], halo: 0, from: 13, label: [15.2, 12, "--wg-map-text", REGULAR, 0] },
};

// Told apart by width first: the finest of several levels is thin, the next middling, all others strong.
export function look(levels, place) {
  if (levels.length === 1) return LOOKS.coarse;
  return [LOOKS.fine, LOOKS.middle][levels.length - 1 - place] || LOOKS.coarse;
}

export function tileAddress(root, level, at) {
  const query = at ? `?at=${encodeURIComponent(at)}` : "";
  return `${new URL(`${root}/current/${level}`, location.href)}/{z}/{x}/{y}.mvt${query}`;
}

export function style(config, at) {
  const names = ["district", ...config.levels.map((level) => level.code)];
  const sources = { pin: { type: "geojson", data: EMPTY }, hover: { type: "geojson", data: EMPTY } };
  for (const name of names) {
    sources[name] = { type: "vector", tiles: [tileAddress(config.tiles, name, at)], minzoom: 6, maxzoom: 16 };
  }
  sources.backdrop = { type: "vector", tiles: [`${new URL(`${config.tiles}/backdrop`, location.href)}/{z}/{x}/{y}.mvt`], minzoom: 8, maxzoom: 16 };
  const base = config.tileUrl ? [{ id: "base", type: "raster", source: "base" }] : [];
  if (config.tileUrl) {
    const address = new URL(config.tileUrl, location.href).href.replace(/%7B/g, "{").replace(/%7D/g, "}");
    sources.base = { type: "raster", tiles: [address], tileSize: 256 };
  }
  const grids = config.levels.map((level, place) => ({ code: level.code, ...look(config.levels, place) }));
  const layers = [...ground(Boolean(config.tileUrl)), ...base, ...backdrop(), ...kinds(grids), ...lines(grids), ...states(grids), ...labels(grids), ...pin()];
  return { version: 8, sources, layers: layers.filter(Boolean) };
}

function ground(hasBase) {
  const background = { id: "background", type: "background", paint: { "background-color": token("--wg-map-bg") } };
  const land = { id: "land", type: "fill", source: "district", "source-layer": "grids", paint: { "fill-color": token("--wg-map-land") } };
  return hasBase ? [background] : [background, land];
}

function backdrop() {
  const fill = (id, layer, colour, extra = {}) => ({ id, type: "fill", source: "backdrop", "source-layer": layer, paint: { "fill-color": colour }, filter: ["==", ["geometry-type"], "Polygon"], ...extra });
  const wide = ["ring", "main", "highway", "riverside", "oldmain"];
  const middle = ["second", "collector", "oldstreet", "levee"];
  const road = (id, classes, casing, width) => ({
    id, type: "line", source: "backdrop", "source-layer": "roads", filter: ["in", ["get", "class"], ["literal", classes]],
    layout: { "line-cap": "round", "line-join": "round" },
    paint: { "line-color": casing ? "#d9d6ce" : "#ffffff", "line-width": by(...width.map((one, place) => (place % 2 && casing ? one + 1.2 : one))) },
  });
  const small = ["local", "lane", "vroad", "vlane", "wall"];
  const widths = { small: [13, 0.5, 16, 5, 19, 34], middle: [11, 0.6, 14, 3, 16, 10, 19, 70], wide: [9, 0.8, 13, 3, 16, 18, 19, 120] };
  return [
    fill("field", "fields", "#eff0e4", { minzoom: 14 }),
    fill("park", "parks", token("--wg-map-park")),
    fill("water", "water", token("--wg-map-water")),
    { id: "relief", type: "line", source: "backdrop", "source-layer": "relief", paint: { "line-color": "#d7dccf", "line-width": 0.7 } },
    road("road-small-edge", small, true, widths.small), road("road-middle-edge", middle, true, widths.middle), road("road-wide-edge", wide, true, widths.wide),
    road("road-small", small, false, widths.small), road("road-middle", middle, false, widths.middle), road("road-wide", wide, false, widths.wide),
    { id: "path", type: "line", source: "backdrop", "source-layer": "roads", minzoom: 14, filter: ["in", ["get", "class"], ["literal", ["path", "track"]]], paint: { "line-color": "#dcd8cd", "line-width": 1, "line-dasharray": [3, 2] } },
    { id: "rail", type: "line", source: "backdrop", "source-layer": "rail", paint: { "line-color": "#b9b5ab", "line-width": by(10, 0.6, 16, 2), "line-dasharray": [4, 3] } },
    fill("building", "buildings", token("--wg-map-bld"), { minzoom: 14 }),
  ];
}

function kinds(grids) {
  const finest = grids[grids.length - 1].code;
  return [
    { id: "dedicated", type: "fill", source: finest, "source-layer": "grids", filter: ["==", ["get", "kind"], "dedicated"], layout: { visibility: "none" }, paint: { "fill-color": token("--wg-kind-dedicated"), "fill-opacity": 0.75 } },
    { id: "gap", type: "fill", source: "district", "source-layer": "gaps", minzoom: 12, paint: { "fill-pattern": "hatch-gap", "fill-opacity": 0.7 } },
  ];
}

function lines(grids) {
  const line = (id, source, from, colour, width, more = {}) => ({ id, type: "line", source, "source-layer": "grids", minzoom: from, layout: { "line-join": "round" }, paint: { "line-color": colour, "line-width": by(...width), ...more } });
  const made = [];
  for (const grid of [...grids].reverse()) {
    if (grid.halo) made.push(line(`${grid.code}-halo`, grid.code, grid.from, "#ffffff", grid.width.map((one, place) => (place % 2 ? one + grid.halo : one)), { "line-opacity": 0.8 }));
    made.push(line(`${grid.code}-line`, grid.code, grid.from, token(grid.token), grid.width));
  }
  made.push(line("district-line", "district", 6, token("--wg-level-district"), [8, 1.6, 14, 3.5], { "line-dasharray": [4, 1.2, 0.9, 1.2] }));
  return made;
}

// A fill of no opacity isn't drawn but found under the pointer; what is chosen is a filter of its own. Layers
// that colour every grid by its state would draw all of them a second time.
function states(grids) {
  const nothing = ["==", ["get", "id"], ""];
  const on = (id, type, source, more) => ({ id, type, source, ...more });
  const hits = grids.map(({ code, from }) => on(`${code}-hit`, "fill", code, { "source-layer": "grids", minzoom: from, paint: { "fill-opacity": 0 } }));
  const selected = grids.flatMap(({ code }) => {
    const mine = { "source-layer": "grids", filter: nothing };
    return [
      on(`${code}-selected-fill`, "fill", code, { ...mine, paint: { "fill-color": token("--wg-sel"), "fill-opacity": 0.14 } }),
      on(`${code}-selected-halo`, "line", code, { ...mine, paint: { "line-color": "#ffffff", "line-width": 6, "line-opacity": 0.9 } }),
      on(`${code}-selected-line`, "line", code, { ...mine, paint: { "line-color": token("--wg-sel"), "line-width": 3 } }),
    ];
  });
  const hover = on("hover", "fill", "hover", { paint: { "fill-color": token("--wg-hover"), "fill-opacity": 0.12, "fill-antialias": false } });
  return [...hits, hover, ...selected];
}

function pin() {
  const accent = token("--wg-accent");
  return [
    { id: "accuracy", type: "fill", source: "pin", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": accent, "fill-opacity": 0.1 } },
    { id: "accuracy-line", type: "line", source: "pin", filter: ["==", ["geometry-type"], "Polygon"], paint: { "line-color": accent, "line-width": 1.2, "line-dasharray": [3, 3] } },
    { id: "point", type: "circle", source: "pin", filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 7, "circle-color": accent, "circle-stroke-color": "#ffffff", "circle-stroke-width": 2.5 } },
  ];
}

// Placed first come, first served, from the last layer down: coarse names win.
function labels(grids) {
  const halo = { "text-halo-color": "#ffffff", "text-halo-width": 1.5 };
  const label = (id, source, [from, size, colour, font, spacing]) => ({
    id, type: "symbol", source, "source-layer": "labels", minzoom: from,
    layout: { "text-field": ["get", "name"], "text-font": font, "text-size": size, "text-letter-spacing": spacing, "text-max-width": 8, "text-padding": 4, "symbol-sort-key": ["-", 0, ["get", "area_m2"]] },
    paint: { "text-color": token(colour), ...halo },
  });
  const road = {
    id: "road-label", type: "symbol", source: "backdrop", "source-layer": "roads", minzoom: 14.5, filter: ["has", "name"],
    layout: { "symbol-placement": "line", "text-field": ["get", "name"], "text-font": REGULAR, "text-size": 11, "text-letter-spacing": 0.3, "symbol-spacing": 400 },
    paint: { "text-color": token("--wg-map-road"), ...halo, "text-halo-width": 2 },
  };
  const ofGrids = [...grids].reverse().map((grid) => label(`${grid.code}-label`, grid.code, grid.label));
  const district = { ...label("district-label", "district", [6, 18, "--wg-level-district", BOLD, 0]), maxzoom: 10.5 };
  return [ofGrids[0], road, ...ofGrids.slice(1), district];
}
