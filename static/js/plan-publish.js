// The last step: submit, approve, send back, publish with a date of force.
import { call, openDialog, showProblem, texts, withButton } from "./api.js";

const problem = document.getElementById("problem");
for (const button of document.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => withButton(button, async () => {
    const answer = await call("POST", button.dataset.step);
    if (answer.ok) location.reload();
    else showProblem(problem, answer.data);
  }));
}

const publishing = document.getElementById("publish-dialog");
const form = document.getElementById("publish-form");
document.getElementById("open-publish")?.addEventListener("click", () => openDialog(publishing));
form.elements.day.addEventListener("input", () => { form.elements.when.value = "day"; });
form.addEventListener("submit", (event) => {
  event.preventDefault();
  withButton(form.querySelector(".btn-primary"), async () => {
    const isLater = form.elements.when.value === "day";
    if (isLater && !form.elements.day.value) return showProblem(form.querySelector(".problem"), { detail: texts.no_day });
    const answer = await call("POST", form.dataset.url, { json: isLater ? { from_on: form.elements.day.value } : {} });
    if (answer.ok) location.reload();
    else showProblem(form.querySelector(".problem"), answer.data);
  });
});

const returning = document.getElementById("return-dialog");
const back = document.getElementById("return-form");
document.getElementById("open-return")?.addEventListener("click", () => openDialog(returning));
back.addEventListener("submit", (event) => {
  event.preventDefault();
  withButton(back.querySelector(".btn-primary"), async () => {
    const answer = await call("POST", back.dataset.url, { json: { reason: back.elements.reason.value } });
    if (answer.ok) location.reload();
    else showProblem(back.querySelector(".problem"), answer.data);
  });
});
