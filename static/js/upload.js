// A file, dropped or chosen, goes up with its progress shown. `more` gives further fields of the form.
import { fill, showProblem, texts } from "./api.js";

export function takesFiles(form, { more = () => ({}), done, refused = () => {} }) {
  const take = (file) => send(form, file, more(), done, refused);
  form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
  form.elements.file.addEventListener("change", () => { if (form.elements.file.files.length) take(form.elements.file.files[0]); });
  form.addEventListener("submit", (event) => event.preventDefault());
  return take;
}

function send(form, file, fields, done, refused) {
  const sending = form.querySelector(".sending");
  const problem = form.querySelector(".problem");
  const data = new FormData();
  data.append("file", file);
  for (const [name, value] of Object.entries(fields)) if (value) data.append(name, value);
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
    if (request.status === 201) return done(answer);
    sending.hidden = true;
    form.elements.file.disabled = false;
    form.elements.file.value = "";
    showProblem(problem, answer || { detail: texts.unreachable });
    return refused(answer || {}, file);
  });
  request.send(data);
}

function show(sending, event) {
  const share = event.lengthComputable ? event.loaded / event.total : 0;
  sending.querySelector(".progress-bar").style.width = `${share * 100}%`;
  const words = share < 1 ? fill(texts.sending, { percent: `${Math.round(share * 100)} %` }) : texts.looking;
  sending.querySelector("span").textContent = words;
}
