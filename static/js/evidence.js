// The evidence page: print it, copy its link.
document.getElementById("print").addEventListener("click", () => window.print());

const copy = document.getElementById("copy-evidence");
copy.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(copy.dataset.link);
    copy.textContent = copy.dataset.done;
  } catch {
    // Browsers withhold the clipboard on plain HTTP, the rule on an intranet: then it is shown, selected.
    const field = document.createElement("input");
    field.className = "form-control";
    field.readOnly = true;
    field.value = copy.dataset.link;
    field.setAttribute("aria-label", copy.textContent.trim());
    copy.replaceWith(field);
    field.select();
  }
});
