// What the map library needs and browsers of Chromium 88's age lack. A classic script, also for the worker.
(function () {
  "use strict";
  function at(place) {
    place = Math.trunc(place) || 0;
    return this[place < 0 ? place + this.length : place];
  }
  var typed = Object.getPrototypeOf(Int8Array.prototype);
  [Array.prototype, String.prototype, typed].forEach(function (kind) {
    if (!kind.at) Object.defineProperty(kind, "at", { value: at, writable: true, configurable: true });
  });
  if (!Object.hasOwn) {
    Object.defineProperty(Object, "hasOwn", {
      value: function (thing, name) { return Object.prototype.hasOwnProperty.call(thing, name); },
      writable: true,
      configurable: true,
    });
  }
})();
