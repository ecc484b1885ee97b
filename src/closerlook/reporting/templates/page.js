"use strict";

// What a mark or a word means: shown while it is pointed at, has the focus or was tapped.
const tip = document.getElementById("tip");
let shown = null;

function show(mark) {
  hide();
  shown = mark;
  tip.textContent = mark.dataset.tip;
  tip.hidden = false;
  mark.setAttribute("aria-describedby", "tip");
  place();
}

function place() {
  const at = shown.getBoundingClientRect(), own = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, at.left + (at.width - own.width) / 2), document.documentElement.clientWidth - own.width - 8);
  const above = at.top - own.height - 8;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 8 ? above : at.bottom + 8}px`;
}

function hide() {
  if (shown) shown.removeAttribute("aria-describedby");
  shown = null;
  tip.hidden = true;
}

function follow(event) {
  const mark = event.target.closest?.("[data-tip]");
  if (mark && mark !== shown) show(mark);
  else if (!mark) hide();
}

for (const kind of ["pointerover", "focusin", "click"]) document.addEventListener(kind, follow);
document.addEventListener("focusout", hide);
addEventListener("scroll", () => shown && place(), { passive: true, capture: true });
addEventListener("keydown", (event) => event.key === "Escape" && hide());

// A chart is one stop of the tab key; arrows move within it. Its attribute says how many marks are in a row.
for (const chart of document.querySelectorAll("[data-rove]")) {
  const first = chart.querySelector("[data-tip]"), across = Number(chart.dataset.rove);
  if (first) first.tabIndex = 0;
  chart.addEventListener("keydown", (event) => {
    const marks = [...chart.querySelectorAll("[data-tip]")].filter((mark) => !mark.closest("[hidden]"));
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across, Home: -marks.length, End: marks.length };
    const from = marks.indexOf(document.activeElement), step = steps[event.key];
    if (from < 0 || !step) return;
    event.preventDefault();
    const to = Math.min(Math.max(from + step, 0), marks.length - 1);
    marks[from].tabIndex = -1;
    marks[to].tabIndex = 0;
    marks[to].focus();
  });
}

// A picture that is pressed is shown large.
const dialog = document.querySelector("dialog");
document.addEventListener("click", (event) => {
  const picture = event.target.closest("button.picture");
  if (!picture) return;
  dialog.querySelector("img").src = picture.firstElementChild.src;
  dialog.querySelector("p").textContent = picture.dataset.tip;
  hide();
  dialog.showModal();
});

// The gallery: filtered by level, ordered by loss, a page at a time.
const PAGE = 24;
for (const gallery of document.querySelectorAll("#gallery")) {
  const pictures = [...gallery.querySelectorAll(".pictures figure")];
  const filters = [...gallery.querySelectorAll("[data-factor]")];
  const order = gallery.querySelector("[data-order]"), more = gallery.querySelector(".more");
  const count = gallery.querySelector(".count"), place = gallery.querySelector(".pictures");
  let most = PAGE;

  function update() {
    const fits = (picture) => {
      const levels = picture.dataset.levels.split(" ");
      return filters.every((filter) => filter.value === "" || levels[filter.dataset.factor] === filter.value);
    };
    const sign = order ? Number(order.value) : 1;
    pictures.sort((a, b) => sign * (a.dataset.place - b.dataset.place));
    const fitting = pictures.filter(fits), visible = new Set(fitting.slice(0, most));
    for (const picture of pictures) picture.hidden = !visible.has(picture);
    place.append(...pictures);
    for (const picture of pictures) picture.querySelector("button").tabIndex = picture === fitting[0] ? 0 : -1;
    count.textContent = `${visible.size} of ${fitting.length} images shown`;
    more.hidden = visible.size === fitting.length;
  }

  gallery.addEventListener("change", () => { most = PAGE; update(); });
  more?.addEventListener("click", () => { most += PAGE; update(); });
  if (pictures.length) update();
}

// On paper everything is open.
const closed = new Set();
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details:not([open])")) closed.add(part), (part.open = true);
});
addEventListener("afterprint", () => {
  for (const part of closed) part.open = false;
  closed.clear();
});
