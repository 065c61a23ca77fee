/* In the framed map: show the whole map whatever its size, make room for the legend on phones, and go where the
   page beside it points. */
"use strict";

function wanggeFrame(map, view, ranks) {
  var legend = document.querySelector(".heat-legend");
  var moved = false;
  var fit = function () {
    document.documentElement.style.setProperty("--legend", legend.offsetHeight + "px");
    map.invalidateSize({ animate: false });
    map.setMinZoom(Math.max(0, map.getBoundsZoom(view) - 2));
    // A frame may get its size after its map: until somebody moves it, the map follows.
    if (!moved) { map.fitBounds(view, { animate: false }); }
  };
  // With icons of their own from the start: Folium's markers load Leaflet's default icon first.
  ranks.forEach(function (one) {
    var icon = L.divIcon({ className: "rank", html: "<b>" + one[2] + "</b>", iconSize: [26, 26] });
    L.marker([one[0], one[1]], { icon: icon, interactive: false, keyboard: false }).addTo(map);
  });
  L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
  ["mousedown", "touchstart", "wheel", "keydown"].forEach(function (kind) {
    map.getContainer().addEventListener(kind, function () { moved = true; }, { capture: true, passive: true });
  });
  new ResizeObserver(fit).observe(document.documentElement);
  fit();
  window.addEventListener("message", function (event) {
    var wanted = event.source === window.parent && event.data && event.data.grid;
    if (typeof wanted !== "string") { return; }
    map.eachLayer(function (layer) {
      if (layer.feature && layer.feature.id === wanted && layer.getBounds) {
        moved = true;
        map.fitBounds(layer.getBounds(), { maxZoom: 15, padding: [40, 40] });
        // The popup belongs to the group of all grids, which hears what its members hear.
        layer.fire("click", { latlng: layer.getBounds().getCenter() }, true);
      }
    });
  });
}
