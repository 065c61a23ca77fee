// Where a history is dropped; a table whose encoding is unsure asks for it and goes up again.
import { call, showProblem } from "../api.js";
import { takesFiles } from "../upload.js";

const form = document.getElementById("upload");
const asking = document.getElementById("ask-encoding");
const encoding = document.getElementById("encoding");
let waiting = null;

const take = takesFiles(form, {
  more: () => ({ encoding: encoding.value }),
  done: (answer) => location.assign(`${form.dataset.next}/${answer.id}`),
  refused: (problem, file) => {
    const isUnsure = ["encoding-not-declared", "wrong-encoding"].some((one) => (problem.type || "").endsWith(one));
    asking.hidden = !isUnsure;
    waiting = isUnsure ? file : null;
    if (isUnsure) encoding.focus();
  },
});
encoding.addEventListener("change", () => { if (waiting && encoding.value) take(waiting); });

for (const button of document.querySelectorAll("[data-delete]")) {
  button.addEventListener("click", async () => {
    const answer = await call("DELETE", button.dataset.delete);
    if (answer.ok || answer.status === 404) button.closest("tr").remove();
    else showProblem(form.querySelector(".problem"), answer.data);
  });
}
