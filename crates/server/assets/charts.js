// What script adds to charts and values that are links without it: one crosshair for all charts of a page, dragging over a chart
// to choose the period, arrow keys from bucket to bucket, and a menu beside a value that leaves it out or copies it.

// whether the address names a period of its own, and the click that waits to become a double click
const chosen = () => new URL(location).searchParams.has("from");
let waits = 0;

const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const SVG = "http://www.w3.org/2000/svg";

const plots = () => $$(".chart .plot svg.bars, .chart .plot svg.lines");
const buckets = (svg) => $$("a.bucket", svg);

// the bucket of a chart under a point, as a share of its width
function place(svg, x, n) {
  const box = svg.getBoundingClientRect();
  return Math.max(0, Math.min(n - 1, Math.floor(((x - box.left) / box.width) * n)));
}

function shape(svg, name, attributes) {
  let found = svg.querySelector(`.${attributes.class}`);
  if (!found) {
    found = document.createElementNS(SVG, name);
    svg.append(found);
  }
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  return found;
}

// charts of one page that have as many buckets show the same time
function cross(at, n) {
  for (const svg of plots()) {
    const here = `${((at + 0.5) / n) * 100}%`;
    shape(svg, "line", { class: "cross", x1: here, x2: here, y1: 0, y2: "100%" });
  }
}
const uncross = () => $$(".chart .cross").forEach((line) => line.remove());

// from the start of one bucket to the end of another, on this page
function period(first, last) {
  const of = (a) => new URL(a.getAttribute("href"), location).searchParams;
  const url = new URL(location);
  url.searchParams.set("from", of(first).get("from"));
  url.searchParams.set("to", of(last).get("to"));
  for (const key of ["after", "sel"]) url.searchParams.delete(key);
  return url;
}

for (const svg of $$(".chart .plot svg.bars")) {
  const all = buckets(svg);
  if (!all.length) continue;
  // one stop of the Tab key; arrows go on from there
  all.forEach((a, i) => a.setAttribute("tabindex", i === all.length - 1 ? "0" : "-1"));
  svg.addEventListener("keydown", (event) => {
    const at = all.indexOf(document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = all[Math.max(0, Math.min(all.length - 1, to))];
    all.forEach((a) => a.setAttribute("tabindex", a === next ? "0" : "-1"));
    next.focus();
  });
  svg.addEventListener("focusin", () => {
    const at = all.indexOf(document.activeElement);
    if (at >= 0) cross(at, all.length);
  });
  svg.addEventListener("focusout", uncross);

  let from = null;
  let dragged = false;
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  svg.addEventListener("pointerdown", (event) => {
    if (event.button || event.pointerType === "touch") return;
    from = { x: event.clientX, at: place(svg, event.clientX, all.length) };
    dragged = false;
  });
  svg.addEventListener("pointermove", (event) => {
    const at = place(svg, event.clientX, all.length);
    cross(at, all.length);
    if (!from || (!dragged && Math.abs(event.clientX - from.x) < 6)) return;
    if (!dragged) {
      svg.setPointerCapture(event.pointerId);
      document.activeElement?.blur();
    }
    uncross();
    dragged = true;
    const [a, b] = [Math.min(at, from.at), Math.max(at, from.at)];
    const share = 100 / all.length;
    shape(svg, "rect", { class: "chosen", x: `${a * share}%`, width: `${(b - a + 1) * share}%`, y: 0, height: "100%" });
  });
  svg.addEventListener("pointerleave", uncross);
  svg.addEventListener("pointerup", (event) => {
    if (from && dragged) {
      const at = place(svg, event.clientX, all.length);
      const [a, b] = [Math.min(at, from.at), Math.max(at, from.at)];
      if (all[a].getAttribute("href").includes("from=")) location.href = period(all[a], all[b]).href;
    }
    from = null;
  });
  // the release that ends a drag is no click on a bucket; where a double click means something, a click waits for the second
  svg.addEventListener("click", (event) => {
    const bucket = event.target.closest("a");
    if (!dragged && chosen() && event.detail === 1 && bucket && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      event.stopPropagation();
      waits = setTimeout(() => (location.href = bucket.getAttribute("href")), 250);
    }
    if (!dragged) return;
    event.preventDefault();
    event.stopPropagation();
    dragged = false;
  }, true);
}
for (const svg of $$(".chart .plot svg.lines")) {
  const n = Number(svg.dataset.n);
  if (!n) continue;
  svg.addEventListener("pointermove", (event) => cross(place(svg, event.clientX, n), n));
  svg.addEventListener("pointerleave", uncross);
}

// a double click anywhere in a chart takes a chosen period back
for (const chart of $$(".chart")) {
  chart.addEventListener("dblclick", (event) => {
    if (!chosen()) return;
    event.preventDefault();
    clearTimeout(waits);
    const url = new URL(location);
    for (const key of ["from", "to", "after"]) url.searchParams.delete(key);
    location.href = url.href;
  });
}

// -- values: only, without, copy --------------------------------------------------------------------------------------

// the condition that a value's link adds: the last one of its address
function condition(link) {
  const url = new URL(link.getAttribute("href"), location);
  const all = url.searchParams.getAll("f");
  const parts = /^((?:[^:\\]|\\.)+):eq:(.*)$/s.exec(all.at(-1) ?? "");
  if (!parts) return null;
  const value = parts[2].replace(/\\([\\,])/g, "$1");
  url.searchParams.delete("f");
  for (const f of all.slice(0, -1)) url.searchParams.append("f", f);
  url.searchParams.append("f", `${parts[1]}:ne:${parts[2]}`);
  return { value, without: url.pathname + url.search };
}

const menu = document.createElement("span");
menu.className = "value-menu";
const without = document.createElement("a");
without.textContent = "exclude";
const copy = document.createElement("button");
copy.type = "button";
copy.textContent = "copy";
menu.append(without, copy);
let copied = "";
copy.addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(copied);
    document.querySelector("#say").textContent = "Copied.";
  } catch {
    document.querySelector("#say").textContent = "The browser did not allow copying.";
  }
  menu.remove();
});

let soon = 0;
function beside(link) {
  const found = condition(link);
  if (!found || menu.previousElementSibling === link) return;
  copied = found.value;
  without.setAttribute("href", found.without);
  without.setAttribute("aria-label", `exclude ${found.value}`);
  copy.setAttribute("aria-label", `copy ${found.value}`);
  link.after(menu);
}
document.addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch") return;
  clearTimeout(soon);
  const link = event.target.closest?.("main a.val");
  if (link) soon = setTimeout(() => beside(link), 300);
  else if (menu.isConnected && !event.target.closest?.(".value-menu") && !menu.contains(document.activeElement)) {
    soon = setTimeout(() => menu.remove(), 200);
  }
});
document.addEventListener("focusin", (event) => {
  const link = event.target.closest?.("main a.val");
  if (link) beside(link);
  else if (!menu.contains(event.target)) menu.remove();
});
