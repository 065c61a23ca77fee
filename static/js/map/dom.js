// Small pieces of page: elements, icons, texts and settings the server wrote into the page.

function read(id) {
  const found = document.getElementById(id);
  return found ? JSON.parse(found.textContent) : {};
}

export const texts = read("texts");
export const config = read("config");

export function say(key, facts = {}) {
  return (texts[key] || key).replace(/\{(\w+)\}/g, (_, name) => facts[name]);
}

export function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  if (className) made.className = className;
  return made;
}

export function icon(name) {
  const made = element("i", null, `bi bi-${name}`);
  made.setAttribute("aria-hidden", "true");
  return made;
}

export function button(label, iconName, className = "btn") {
  const made = element("button", null, className);
  made.type = "button";
  if (iconName) made.append(icon(iconName));
  made.append(label);
  return made;
}

export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function number(value, digits = 0) {
  return value.toLocaleString(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function day(moment) {
  const shape = { timeZone: config.timeZone, year: "numeric", month: "2-digit", day: "2-digit" };
  return new Intl.DateTimeFormat("sv-SE", shape).format(new Date(moment));
}

export function minute(moment) {
  const shape = { timeZone: config.timeZone, hour: "2-digit", minute: "2-digit" };
  return `${day(moment)} ${new Intl.DateTimeFormat("sv-SE", shape).format(new Date(moment))}`;
}
