// What script adds to pages that are whole without it: keys, stepping, playing, copying, the live feed.
// Captured text enters the page only as markup our own server escaped, or through textContent.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const page = document.body.dataset.page;
document.documentElement.classList.add("scripted");

function show(root = document) {
  for (const el of $$(".js-only, [data-copy], [data-copy-link], #play, #follow", root)) el.hidden = false;
}

let saidAt = 0;
function say(text) {
  // at most one message in five seconds
  if (Date.now() - saidAt < 5000) return;
  saidAt = Date.now();
  $("#say").textContent = text;
}

// -- copying ----------------------------------------------------------------------------------------------------------

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch {
    say("The browser did not allow copying.");
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-copy-link]");
  if (button) copy("copyLink" in button.dataset ? location.href : $(button.dataset.copy)?.textContent ?? "");
});

// -- menus close by Escape and by a click elsewhere -------------------------------------------------------------------

document.addEventListener("click", (event) => {
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// -- the browser's own time zone --------------------------------------------------------------------------------------

const ownZone = $("#own-zone");
const zoneName = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (ownZone && zoneName && zoneName !== "UTC") {
  ownZone.value = zoneName;
  ownZone.lastElementChild.textContent = zoneName;
  ownZone.hidden = false;
}

// -- replay -----------------------------------------------------------------------------------------------------------

const steps = () => $$("#steps a[data-id]");
const here = () => steps().findIndex((a) => a.getAttribute("aria-current") === "step");

function mark(id) {
  $$(".step").forEach((li, i) => {
    const link = $("a[data-id]", li);
    const on = link.dataset.id === id;
    li.classList.toggle("here", on);
    if (on) link.setAttribute("aria-current", "step");
    else link.removeAttribute("aria-current");
    if (on) li.scrollIntoView({ block: "nearest" });
  });
  drawHere();
}

// the box on the track that shows where we are
function drawHere() {
  const at = here();
  const marks = $$(".track.wide svg[data-step]");
  $$(".track.wide .here").forEach((box) => box.remove());
  const mark = marks[at];
  if (!mark) return;
  const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ class: "here", x: -7, y: 1, width: 14, height: 46, rx: 2 })) box.setAttribute(name, value);
  mark.prepend(box);
}

function step(to) {
  const all = steps();
  const link = all[Math.max(0, Math.min(all.length - 1, to))];
  if (link && link.getAttribute("aria-current") !== "step") link.click();
}

function failure(direction) {
  const all = $$(".step");
  const at = here();
  for (let i = at + direction; i >= 0 && i < all.length; i += direction) {
    if (all[i].classList.contains("failed")) return step(i);
  }
  say(direction > 0 ? "No later failure." : "No earlier failure.");
}

let playing = 0;
function play() {
  const button = $("#play");
  if (playing) {
    clearTimeout(playing);
    playing = 0;
  } else {
    if (here() >= steps().length - 1) step(0);
    const next = () => {
      const at = here();
      if (at >= steps().length - 1) {
        playing = 0;
        label();
        return;
      }
      step(at + 1);
      playing = setTimeout(next, 1200);
    };
    playing = setTimeout(next, 400);
  }
  const label = () => (button.lastChild.textContent = playing ? "Pause" : "Play");
  label();
}

if ($("#steps")) {
  $("#play")?.addEventListener("click", play);
  // each step is a link: the address follows, and going back shows the step it names
  document.addEventListener("click", (event) => {
    const link = event.target.closest("#steps a[data-id]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    history.pushState(null, "", link.href);
    mark(link.dataset.id);
  });
  // marks of the track and the arrows of the detail do what the step itself does
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".track.wide a[data-sel], [data-step-to]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const target = new URL(link.getAttribute("href"), location).searchParams.get("sel");
    const own = steps().find((a) => a.dataset.id === target);
    if (own) {
      event.preventDefault();
      event.stopPropagation();
      own.click();
    }
  }, true);
  document.addEventListener("htmx:after:swap", () => {
    const id = $("#detail [data-sel]")?.dataset.sel;
    if (id) mark(id);
    show($("#detail"));
  });
  addEventListener("popstate", () => location.reload());
}

// -- lists ------------------------------------------------------------------------------------------------------------

const rows = () => $$("tr[data-href]");
function row(move) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((r) => r.contains(document.activeElement));
  const next = all[Math.max(0, Math.min(all.length - 1, at + move))];
  $("a.row", next)?.focus();
}

document.addEventListener("click", (event) => {
  const tr = event.target.closest("tr[data-href]");
  if (!tr || event.target.closest("a, button, summary") || String(getSelection())) return;
  if (event.ctrlKey || event.metaKey) open(tr.dataset.href, "_blank", "noopener");
  else location.href = tr.dataset.href;
});

// -- keys -------------------------------------------------------------------------------------------------------------

const off = $("#keys-off");
off.checked = localStorage.getItem("keys-off") === "1";
off.addEventListener("change", () => localStorage.setItem("keys-off", off.checked ? "1" : "0"));

let went = 0;
const keys = {
  "/": () => $("#add")?.focus(),
  "?": () => $("#keys").togglePopover(),
  y: () => copy(location.href),
  j: () => row(1),
  k: () => row(-1),
  o: () => {
    const link = document.activeElement?.closest("a.row");
    if (link) open(link.href, "_blank", "noopener");
  },
  n: () => $("#steps") && failure(1),
  N: () => $("#steps") && failure(-1),
  ArrowRight: () => $("#steps") && step(here() + 1),
  ArrowLeft: () => $("#steps") && step(here() - 1),
  " ": () => ($("#steps") ? play() : $("#follow")?.click()),
};

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    $("#jump")?.focus();
    return;
  }
  if (event.key === "Escape") {
    $$("details.menu[open]").forEach((menu) => (menu.open = false));
    if (event.target.matches("input")) event.target.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || off.checked) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  if (event.key === " " && event.target.closest("button, summary, [tabindex]:not(main)") && event.target.closest("a, button, summary")) return;
  if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && event.target.closest(".scroll, pre")) return;
  if (Date.now() - went < 1200) {
    went = 0;
    const link = $$("[data-go]").find((a) => a.dataset.go === event.key);
    if (link) {
      event.preventDefault();
      link.click();
      return;
    }
  }
  if (event.key === "g") {
    went = Date.now();
    return;
  }
  const bound = keys[event.key];
  const link = $$("[data-key]").find((a) => a.dataset.key === event.key && a.tagName === "A");
  if (bound) {
    event.preventDefault();
    bound();
  } else if (link) {
    event.preventDefault();
    link.click();
  }
});

// -- live -------------------------------------------------------------------------------------------------------------

const KEPT = 200;

function live(feed) {
  const follow = $("#follow");
  const fresh = $("#fresh");
  let paused = false;
  let pointed = false;
  let waiting = [];
  let asking = false;
  let again = false;
  let seq = Number(feed.dataset.seq);
  const seen = new Set($$("tr[data-key]", feed).map((tr) => tr.dataset.key));
  const arrivals = [];

  const still = () => paused || pointed || feed.contains(document.activeElement);
  const put = (list) => {
    for (const tr of list.slice(-KEPT)) {
      tr.classList.add("new");
      feed.prepend(tr);
    }
    while (feed.children.length > KEPT) {
      seen.delete(feed.lastElementChild.dataset.key);
      feed.lastElementChild.remove();
    }
  };
  const draw = () => {
    if (!still() && waiting.length) {
      put(waiting);
      waiting = [];
      $(".empty")?.remove();
    }
    fresh.hidden = waiting.length === 0;
    fresh.textContent = `${waiting.length} new`;
  };
  const more = async () => {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      const url = feed.dataset.more + (feed.dataset.more.includes("?") ? "&" : "?") + "since=" + seq;
      const answer = await fetch(url, { headers: { "hx-request": "true" } });
      if (answer.ok) {
        const holder = document.createElement("template");
        holder.innerHTML = `<table><tbody>${await answer.text()}</tbody></table>`;
        const list = $$("tr", holder.content).filter((tr) => !seen.has(tr.dataset.key)).reverse();
        for (const tr of list) {
          seen.add(tr.dataset.key);
          seq = Math.max(seq, Number(tr.dataset.seq ?? 0));
          arrivals.push(Date.now());
        }
        waiting.push(...list);
        if (waiting.length > KEPT) waiting = waiting.slice(-KEPT);
        draw();
      }
    } catch {
      // the feed itself notices a lost connection
    }
    asking = false;
    if (again) {
      again = false;
      setTimeout(more, 250);
    }
  };

  follow.addEventListener("click", () => {
    paused = !paused;
    follow.setAttribute("aria-pressed", String(!paused));
    follow.lastElementChild.textContent = paused ? "Follow" : "Pause";
    saidAt = 0;
    say(paused ? "Paused." : "Following.");
    draw();
  });
  fresh.addEventListener("click", () => {
    put(waiting);
    waiting = [];
    draw();
  });
  feed.addEventListener("pointerenter", () => (pointed = true));
  feed.addEventListener("pointerleave", () => {
    pointed = false;
    draw();
  });
  feed.addEventListener("focusout", () => setTimeout(draw));
  setInterval(() => {
    const from = Date.now() - 10000;
    while (arrivals.length && arrivals[0] < from) arrivals.shift();
    const rate = arrivals.length / 10;
    $("#rate").textContent = rate ? `${rate.toFixed(1)} events a second.` : "";
  }, 1000);

  listen(feed.dataset.feed, more);
}

// The server's feed only says that there is more. A lost connection is said, and what was missed is fetched.
function listen(url, more) {
  const source = new EventSource(url);
  const offline = $("#offline");
  source.onopen = () => {
    offline.hidden = true;
    more();
  };
  source.onerror = () => (offline.hidden = false);
  source.onmessage = more;
  for (const kind of ["event", "events", "refused", "lagged"]) source.addEventListener(kind, more);
  addEventListener("pagehide", () => source.close());
}

const feed = $("#feed");
if (feed) live(feed);

// -- onboarding: the page notices the first event by itself --------------------------------------------------------------

const arrivals = $("#arrivals");
if (arrivals) {
  const refresh = async () => {
    if (document.hidden || arrivals.contains(document.activeElement)) return;
    try {
      const answer = await fetch(arrivals.dataset.refresh, { headers: { "hx-request": "true" } });
      if (!answer.ok) return;
      const before = $$("[data-testid=arrival]", arrivals).length;
      arrivals.innerHTML = await answer.text();
      if (!before && $("[data-testid=arrival]", arrivals)) say("The first event has arrived.");
    } catch {
      // tried again in a moment
    }
  };
  setInterval(refresh, 2000);
}

show();
if (page === "sessions") drawHere();
