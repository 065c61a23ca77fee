// How the planners' pages talk to the service: every write carries the CSRF token, every problem is shown
// in the page's language, nothing fails silently.

export const texts = JSON.parse(document.getElementById("texts").textContent);
const token = document.querySelector('meta[name="csrf-token"]').content;

export async function call(method, url, { json, form, version } = {}) {
  const headers = { Accept: "application/json", "Accept-Language": document.documentElement.lang };
  if (method !== "GET") headers["X-CSRF-Token"] = token;
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (version !== undefined) headers["If-Match"] = `"${version}"`;
  let response;
  try {
    response = await fetch(url, { method, headers, body: json !== undefined ? JSON.stringify(json) : form });
  } catch {
    return { ok: false, status: 0, data: { title: "", detail: texts.unreachable } };
  }
  return { ok: response.ok, status: response.status, data: await bodyOf(response) };
}

async function bodyOf(response) {
  if (response.status === 204) return {};
  try {
    return await response.json();
  } catch {
    return { title: "", detail: texts.unreachable };
  }
}

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function icon(name) {
  return element("i", { class: `bi bi-${name}`, "aria-hidden": "true" });
}

export function fill(text, parts) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in parts ? parts[name] : whole));
}

// What went wrong, what is safe, and the number to tell the operator.
export function showProblem(place, problem) {
  place.replaceChildren(icon("exclamation-triangle"), element("span", {}, problem.detail || problem.title || texts.unreachable));
  if (problem.request_id) place.append(element("span", { class: "xs muted" }, ` ${texts.request} ${problem.request_id}`));
  place.hidden = false;
}

export function toast(text, { label, action, isProblem = false } = {}) {
  document.querySelectorAll(".wg-toast").forEach((one) => one.remove());
  const made = element("div", { class: `wg-toast${isProblem ? " bad" : ""}`, role: isProblem ? "alert" : "status" }, element("span", {}, text));
  if (label) made.append(element("button", { class: "btn btn-sm", type: "button", onclick: () => { made.remove(); action(); } }, label));
  document.body.append(made);
  setTimeout(() => made.remove(), label ? 20000 : isProblem ? 12000 : 6000);
  return made;
}

export function openDialog(dialog) {
  const problem = dialog.querySelector(".problem");
  if (problem) problem.hidden = true;
  dialog.querySelectorAll("[data-close]").forEach((one) => { one.onclick = () => dialog.close(); });
  dialog.showModal();
}

// Sends a form once: the button rests while the service works.
export async function withButton(button, work) {
  if (button.disabled) return;
  button.disabled = true;
  try {
    await work();
  } finally {
    button.disabled = false;
  }
}

export function squareMetres(area) {
  const digits = area >= 100 ? 0 : area >= 1 ? 1 : 2;
  return `${area.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits })} m²`;
}
