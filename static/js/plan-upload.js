// The first step: a file, dropped or chosen, goes up with its progress shown; then the fields page asks.
import { fill, showProblem, texts } from "./api.js";

const form = document.getElementById("upload");
if (form) {
  form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
  });
  form.elements.file.addEventListener("change", () => { if (form.elements.file.files.length) send(form.elements.file.files[0]); });
  form.addEventListener("submit", (event) => event.preventDefault());
}

function send(file) {
  const sending = form.querySelector(".sending");
  const problem = form.querySelector(".problem");
  const data = new FormData();
  data.append("file", file);
  if (form.elements.district) data.append("district", form.elements.district.value);
  problem.hidden = true;
  sending.hidden = false;
  form.elements.file.disabled = true;
  const request = new XMLHttpRequest(); // fetch does not tell how far an upload is
  request.open("POST", form.dataset.url);
  request.setRequestHeader("X-CSRF-Token", document.querySelector('meta[name="csrf-token"]').content);
  request.setRequestHeader("Accept-Language", document.documentElement.lang);
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => show(sending, event));
  request.addEventListener("loadend", () => {
    const answer = request.response;
    if (request.status === 201) {
      const next = new URL(form.dataset.next, location.href);
      next.searchParams.set("import", answer.id);
      location.assign(next);
      return;
    }
    sending.hidden = true;
    form.elements.file.disabled = false;
    form.elements.file.value = "";
    showProblem(problem, answer || { detail: texts.unreachable });
  });
  request.send(data);
}

function show(sending, event) {
  const share = event.lengthComputable ? event.loaded / event.total : 0;
  sending.querySelector(".progress-bar").style.width = `${share * 100}%`;
  const words = share < 1 ? fill(texts.sending, { percent: `${Math.round(share * 100)} %` }) : texts.looking;
  sending.querySelector("span").textContent = words;
}
