// Whose ground a clicked face is, and giving it to another grid, with undo in the toast.
import { call, element, fill, texts } from "./api.js";

const card = document.getElementById("face");
const chip = document.getElementById("hover");
const search = document.getElementById("grid-search");
const choices = document.getElementById("grid-choices");

export function reassigning(root, api, state, { check, reload, toast }) {
  let face = null;
  let turn = 0;
  const self = { show, hover, undo, onClose: () => {} };

  function close() {
    face = null;
    card.hidden = true;
    self.onClose();
  }

  function show(picked) {
    face = picked;
    card.hidden = !picked;
    if (!picked) return;
    document.getElementById("face-name").textContent = picked.name || texts.nobody;
    document.getElementById("face-code").textContent = picked.code || "";
    if (!search) return;
    search.value = "";
    choices.replaceChildren();
    beside(picked);
  }

  // Whose ground it most likely goes to: the neighbours'.
  async function beside(picked) {
    const mine = ++turn;
    const answer = await call("GET", `${api}/faces/${picked.id}/neighbours`);
    if (mine === turn && answer.ok) list(answer.data.grids.slice(0, 12));
  }

  function list(grids, isSearch = false) {
    const rows = grids.map((one) => element("li", {}, element("button", { type: "button", class: "btn btn-link", "data-grid": one.code, onclick: () => give(one) }, element("span", {}, one.name || one.code), element("span", { class: "mono muted xs" }, one.code))));
    choices.replaceChildren(...(rows.length || !isSearch ? rows : [element("li", { class: "muted small" }, texts.no_grid)]));
  }

  async function find() {
    const mine = ++turn;
    const answer = await call("GET", `${api}/grids?limit=8&q=${encodeURIComponent(search.value.trim())}`);
    if (mine === turn && answer.ok) list(answer.data.grids.filter((one) => !face || one.id !== face.grid_id), true);
  }

  async function give(grid) {
    const moved = face;
    close();
    const answer = await change({ kind: "reassign", face: moved.id, grid: grid.id });
    if (answer) toast(fill(texts.reassigned, { name: moved.name || texts.nobody, grid: grid.name || grid.code }), { label: texts.undo, action: undo });
  }

  async function undo() {
    if (await change({ kind: "undo" })) toast(texts.undone);
  }

  async function change(json) {
    const answer = await call("POST", `${api}/ops`, { json, version: state.version });
    if (!answer.ok) {
      toast(answer.status === 412 ? texts.changed : answer.data.detail, { isProblem: true });
      if (answer.status === 412) await refresh(answer.data.version);
      return false;
    }
    refresh(answer.data.version); // the check of a big district takes a while; what was done is told at once
    return true;
  }

  async function refresh(version) {
    state.version = version;
    reload(version);
    await check();
  }

  function hover(picked, point) {
    chip.hidden = !picked;
    if (!picked) return;
    chip.textContent = picked.name ? `${picked.name} ${picked.code}` : texts.nobody;
    chip.style.left = `${point.x + 14}px`;
    chip.style.top = `${point.y + 14}px`;
  }

  document.getElementById("face-close").addEventListener("click", close);
  card.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  if (search) search.addEventListener("input", find);
  return self;
}
