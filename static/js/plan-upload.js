// The first step: a file goes up; then the fields page asks.
import { takesFiles } from "./upload.js";

const form = document.getElementById("upload");
if (form) {
  takesFiles(form, {
    more: () => (form.elements.district ? { district: form.elements.district.value } : {}),
    done: (answer) => {
      const next = new URL(form.dataset.next, location.href);
      next.searchParams.set("import", answer.id);
      location.assign(next);
    },
  });
}
