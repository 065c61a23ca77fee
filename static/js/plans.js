// The list of plans and editions: a new plan, an old edition brought back.
import { call, fill, openDialog, showProblem, texts, withButton } from "./api.js";

const made = document.getElementById("new-dialog");
const form = document.getElementById("new-form");
document.getElementById("new-plan")?.addEventListener("click", () => openDialog(made));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  withButton(form.querySelector(".btn-primary"), async () => {
    const given = new FormData(form);
    const json = { name: given.get("name").trim(), district: given.get("district"), base: given.get("base") };
    const answer = await call("POST", form.dataset.url, { json });
    if (answer.ok) location.assign(`${form.dataset.page}/${answer.data.id}`);
    else showProblem(form.querySelector(".problem"), answer.data);
  });
});

const back = document.getElementById("rollback-dialog");
const backForm = document.getElementById("rollback-form");
let wanted = null;
for (const button of document.querySelectorAll("[data-rollback]")) {
  button.addEventListener("click", () => {
    wanted = button.dataset.rollback;
    document.getElementById("rollback-what").textContent = fill(texts.rollback, button.dataset);
    openDialog(back);
  });
}

backForm.addEventListener("submit", (event) => {
  event.preventDefault();
  withButton(backForm.querySelector(".btn-danger"), async () => {
    const answer = await call("POST", wanted);
    if (answer.ok) location.reload();
    else showProblem(backForm.querySelector(".problem"), answer.data);
  });
});
