/* The page around the framed heatmap: rows point into the map, filters apply when chosen. */
const frame = document.getElementById("frame");
const form = document.getElementById("filter");
const toggle = document.querySelector(".filter-toggle");

for (const button of document.querySelectorAll(".zoom")) {
  button.addEventListener("click", () => {
    for (const row of document.querySelectorAll(".worst tr.active")) row.classList.remove("active");
    button.closest("tr").classList.add("active");
    // The frame has an origin of its own, which can't be named.
    frame.contentWindow.postMessage({ grid: button.dataset.grid }, "*");
  });
}

form.elements.category.addEventListener("change", () => form.requestSubmit());

toggle.addEventListener("click", () => {
  const open = document.body.classList.toggle("filters-open");
  toggle.setAttribute("aria-expanded", String(open));
});
