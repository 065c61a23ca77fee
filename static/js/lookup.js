// The look-up page: asks the public API and shows the answer as a card with its evidence.

const texts = JSON.parse(document.getElementById("texts").textContent);
const form = document.getElementById("ask");
const card = document.getElementById("card");

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function address() {
  const given = new FormData(form);
  const numbers = String(given.get("q")).match(/-?\d+(?:\.\d+)?/g) || [];
  if (numbers.length < 2) return null;
  const wanted = new URL(form.dataset.api, location.href);
  wanted.searchParams.set("lon", numbers[0]);
  wanted.searchParams.set("lat", numbers[1]);
  wanted.searchParams.set("crs", given.get("crs"));
  if (given.get("accuracy_m")) wanted.searchParams.set("accuracy_m", given.get("accuracy_m"));
  return wanted;
}

function fact(list, label, value) {
  list.append(element("dt", label), element("dd", value));
}

function show(answer, url) {
  card.replaceChildren(element("p", texts[answer.status], "status"));
  for (const warning of answer.warnings) card.append(element("p", warning.detail, "notice"));
  card.append(element("h2", answer.grid ? answer.grid.name : texts.outside));
  if (answer.grid) card.append(element("code", answer.grid.code));
  const facts = element("dl", undefined, "facts");
  if (answer.distance_to_border_m !== null) fact(facts, texts.border_m, `${answer.distance_to_border_m.toFixed(1)} ${texts.metres}`);
  if (answer.confidence !== null) fact(facts, texts.confidence, `${(answer.confidence * 100).toFixed(1)} %`);
  for (const step of answer.chain) fact(facts, step.code, step.name + (step.leader ? ` · ${step.leader.name} ${step.leader.phone}` : ""));
  for (const other of answer.alternates) fact(facts, texts.alternates, `${other.name} ${other.code} · ${other.distance_m} ${texts.metres}`);
  fact(facts, texts.why, answer.why);
  if (answer.edition) fact(facts, texts.edition, `${answer.edition.district} / ${answer.edition.number}`);
  card.append(facts, copyButton(url));
}

function copyButton(url) {
  const button = element("button", texts.copy, "btn");
  button.addEventListener("click", async () => {
    const call = `curl '${url}'`;
    try {
      await navigator.clipboard.writeText(call);
      button.textContent = texts.copied;
    } catch {
      showToCopy(button, call);
    }
  });
  return button;
}

// Browsers withhold the clipboard on plain HTTP, the rule on an intranet: then the call is shown, selected.
function showToCopy(button, call) {
  const field = element("input");
  field.readOnly = true;
  field.value = call;
  field.setAttribute("aria-label", texts.copy);
  button.replaceWith(field);
  field.select();
}

let asked = 0;

async function ask(event) {
  if (event) event.preventDefault();
  const url = address();
  card.hidden = false;
  if (url === null) return card.replaceChildren(element("p", texts.unreadable, "notice"));
  const turn = ++asked;
  let response, answer;
  try {
    response = await fetch(url, { headers: { "Accept-Language": document.documentElement.lang } });
    answer = await response.json();
  } catch {
    response = { ok: false };
    answer = { detail: texts.unreachable };
  }
  if (turn !== asked) return; // a newer question is on its way
  if (response.ok) show(answer, url);
  else card.replaceChildren(element("p", answer.detail, "notice"));
}

form.addEventListener("submit", ask);
if (form.elements.q.value) ask();
