// The map library's worker, with what older browsers lack before it.
importScripts("older_browsers.js", "../vendor/maplibre-gl/maplibre-gl-csp-worker.js");
