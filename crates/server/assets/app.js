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
    const fold = li.closest("details");
    if (on && fold) fold.open = true;
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

// playing waits as long as the agent did, at most two seconds, and never moves the focus
let playing = 0;
let speed = 1;
const pause = (at) => {
  const all = steps();
  const gap = Number(all[at + 1]?.dataset.at) - Number(all[at]?.dataset.at);
  return Math.max(150, Math.min(2000, gap || 0)) / speed;
};
$("#speed")?.addEventListener("click", (event) => {
  speed = speed === 1 ? 4 : 1;
  event.currentTarget.textContent = `${speed}×`;
});

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
      playing = setTimeout(next, pause(at + 1));
    };
    playing = setTimeout(next, pause(here()));
  }
  const label = () => (button.lastElementChild.textContent = playing ? "Pause" : "Play");
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

const rows = () => $$("main tr").filter((tr) => $("a.row", tr));
function row(move) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((r) => r.contains(document.activeElement));
  const next = all[Math.max(0, Math.min(all.length - 1, at + move))];
  $("a.row", next)?.focus();
}

// what a row's page is called in `sel=`, so that it can stand beside the list
function selection(href) {
  const url = new URL(href, location);
  const [, , , list, id] = url.pathname.split("/");
  if (!id) return null;
  const event = url.searchParams.get("sel");
  const name = decodeURIComponent(id);
  if (list === "sessions") return event ? `call:${event}` : `session:${name}`;
  if (list === "issues") return `issue:${name}`;
  if (list === "people") return `person:${name}`;
  return null;
}

let opened = null;
async function beside(sel) {
  const url = new URL(location);
  if (sel) url.searchParams.set("sel", sel);
  else url.searchParams.delete("sel");
  const frame = $(".frame");
  const old = $("#panel");
  let panel = null;
  if (sel) {
    const answer = await fetch(url).catch(() => null);
    if (!answer?.ok) return (location.href = url.href);
    panel = $("#panel", new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (!panel) return (location.href = url.href);
  }
  history.pushState(null, "", url);
  old?.remove();
  if (panel) frame.append(document.adoptNode(panel));
  frame.classList.toggle("beside", Boolean(panel));
  for (const tr of $$("tr.here")) tr.classList.remove("here");
  if (panel) {
    opened = rows().find((tr) => selection($("a.row", tr).href) === sel) ?? opened;
    opened?.classList.add("here");
    show(panel);
    say(`${panel.getAttribute("aria-label")}.`);
  } else {
    $("a.row", opened ?? document.createElement("i"))?.focus();
    opened = null;
  }
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.shiftKey) return;
  if (event.target.closest("#panel-close")) {
    event.preventDefault();
    beside(null);
    return;
  }
  const tr = event.target.closest("main tr");
  const link = tr && $("a.row", tr);
  if (!link || event.target.closest("a, button, summary, input") || String(getSelection())) return;
  const sel = page === "sessions" && location.pathname.split("/").length > 4 ? null : selection(link.href);
  if (event.ctrlKey || event.metaKey) open(link.href, "_blank", "noopener");
  else if (sel && innerWidth >= 1100) beside(sel);
  else location.href = link.href;
});
const first = new URLSearchParams(location.search).get("sel");
if ($("#panel")) {
  opened = rows().find((tr) => selection($("a.row", tr).href) === first) ?? null;
  opened?.classList.add("here");
}
if (!$("#steps")) addEventListener("popstate", () => location.reload());

// -- search or jump -----------------------------------------------------------------------------------------------------

const jump = $("#jump");
const places = $("#jump-list");
if (jump && places) {
  let asked = 0;
  let at = -1;
  const options = () => $$("a[role=option]", places);
  jump.setAttribute("role", "combobox");
  jump.setAttribute("aria-controls", "jump-list");
  jump.setAttribute("aria-autocomplete", "list");
  const open = (on) => {
    places.hidden = !on;
    jump.setAttribute("aria-expanded", String(on));
    if (!on) choose(-1);
  };
  const choose = (to) => {
    const all = options();
    at = to;
    all.forEach((a, i) => a.setAttribute("aria-selected", String(i === at)));
    all[at]?.scrollIntoView({ block: "nearest" });
    if (at >= 0) jump.setAttribute("aria-activedescendant", all[at].id);
    else jump.removeAttribute("aria-activedescendant");
  };
  const ask = async () => {
    const mine = ++asked;
    const answer = await fetch(`${jump.dataset.list}?q=${encodeURIComponent(jump.value)}`, { headers: { "hx-request": "true" } }).catch(() => null);
    const list = answer?.ok ? await answer.text().catch(() => null) : null;
    // What comes after the reader went on would cover what they went on to.
    if (list === null || mine !== asked || document.activeElement !== jump) return;
    places.innerHTML = list;
    open(options().length > 0);
    choose(-1);
  };
  let later = 0;
  jump.addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(ask, 60);
  });
  jump.addEventListener("focus", ask);
  jump.addEventListener("blur", (event) => places.contains(event.relatedTarget) || open(false));
  places.addEventListener("pointerdown", (event) => event.preventDefault());
  jump.addEventListener("keydown", (event) => {
    const all = options();
    if (event.key === "ArrowDown") choose(at + 1 >= all.length ? 0 : at + 1);
    else if (event.key === "ArrowUp") choose(at <= 0 ? all.length - 1 : at - 1);
    else if (event.key === "Enter" && at >= 0 && !places.hidden) all[at].click();
    else if (event.key === "Escape" && !places.hidden) open(false);
    else return;
    event.preventDefault();
    if (event.key === "Escape") event.stopPropagation();
  });
  open(false);
}

$("#find-project")?.addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase();
  for (const li of $$("#projects li")) li.hidden = !li.textContent.toLowerCase().includes(words);
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
  p: () => {
    const link = document.activeElement?.closest("a.row");
    const sel = link && selection(link.href);
    if (sel) beside(sel);
  },
  f: () => {
    const tr = document.activeElement?.closest("main tr");
    $("a.val", tr ?? document.createElement("i"))?.click();
  },
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
    else if ($("#panel")) beside(null);
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
  } else if (press(event.key)) {
    event.preventDefault();
  } else if (link) {
    event.preventDefault();
    link.click();
  } else if (event.key === "[" || event.key === "]") {
    event.preventDefault();
    turn(event.key === "]" ? 1 : -1);
  }
});

// the thing before or after this one in the list it was opened from: its address names that list, which is asked when the key is pressed
async function turn(by) {
  const list = $(".crumb");
  if (!list) return;
  try {
    const answer = await fetch(list.href, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const rows = $$("tbody a.row", page).map((a) => new URL(a.getAttribute("href"), location));
    const at = rows.findIndex((row) => row.pathname === location.pathname);
    if (at < 0) say("This is not on the first page of its list.");
    else if (!rows[at + by]) say(by < 0 ? "This is the first of its list." : "This is the last of its list.");
    else location.href = rows[at + by].href;
  } catch {
    say("The list could not be read.");
  }
}

// -- issues: keys press what the page offers; on a list the row at hand counts as selected -----------------------------------

function press(key) {
  const target = $$("[data-press]").find((el) => el.dataset.press === key);
  if (!target) return false;
  const box = $("input.pick", document.activeElement?.closest("main tr") ?? document.createElement("i"));
  if (box && !$("input.pick:checked")) box.checked = true;
  if (target.matches("button") && !$("input.pick:checked")) say("Select issues first.");
  else if (target.matches("summary")) {
    target.parentElement.open = true;
    $("input:not([type=hidden]), select, button", target.nextElementSibling)?.focus();
  } else if (target.matches("select")) target.focus();
  else target.click();
  return true;
}

for (const el of $$("[data-fades]")) setTimeout(() => el.remove(), Number(el.dataset.fades) * 1000);

// -- live -------------------------------------------------------------------------------------------------------------

function live(feed) {
  const KEPT = Number(feed.dataset.kept);
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
  // A second that goes on: its line of a tool counts up.
  const grown = (tr) => {
    const old = [...waiting, ...feed.children].find((known) => known.dataset.key === tr.dataset.key);
    if (!old?.dataset.n) return;
    old.dataset.n = Number(old.dataset.n) + Number(tr.dataset.n);
    $("[data-count]", old).textContent = `× ${old.dataset.n}`;
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
        const rows = $$("tr", holder.content);
        for (const tr of rows) {
          seq = Math.max(seq, Number(tr.dataset.seq ?? 0));
          if (!seen.has(tr.dataset.key) || tr.dataset.n) arrivals.push([Date.now(), Number(tr.dataset.n ?? 1)]);
        }
        const list = rows.filter((tr) => !seen.has(tr.dataset.key)).reverse();
        for (const tr of rows) if (tr.dataset.n && seen.has(tr.dataset.key)) grown(tr);
        for (const tr of list) seen.add(tr.dataset.key);
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
    while (arrivals.length && arrivals[0][0] < from) arrivals.shift();
    const rate = arrivals.reduce((sum, [, n]) => sum + n, 0) / 10;
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

// a session that goes on grows: its steps and track are drawn anew, what is selected stays
const growing = $("#steps[data-feed]");
if (growing) {
  let asking = false;
  let again = false;
  const grow = async () => {
    if (asking || playing || $("#steps").contains(document.activeElement)) {
      again = true;
      return;
    }
    asking = true;
    again = false;
    const answer = await fetch(location.href).catch(() => null);
    if (answer?.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of ["#steps", ".railbox", "main .lede"]) {
        const [old, now] = [$(part), $(part, fresh)];
        if (old && now && old.textContent !== now.textContent) old.replaceChildren(...document.adoptNode(now).childNodes);
      }
      // the address is ahead of a detail that is still on its way
      const id = new URLSearchParams(location.search).get("sel") ?? $("#detail [data-sel]")?.dataset.sel;
      globalThis.htmx?.process($("#steps"));
      $("#play")?.addEventListener("click", play);
      show($(".railbox"));
      if (id) mark(id);
    }
    asking = false;
  };
  let soon = 0;
  listen(growing.dataset.feed, () => {
    clearTimeout(soon);
    soon = setTimeout(grow, 400);
  });
  setInterval(() => again && grow(), 3000);
}

// counters beside the navigation: asked for once the page stands, so that nothing waits for them
const entries = $(".side ul[data-needs]");
if (entries) {
  fetch(entries.dataset.needs, { headers: { "hx-request": "true" } })
    .then(async (answer) => {
      if (!answer.ok) return;
      const holder = document.createElement("template");
      holder.innerHTML = await answer.text();
      for (const count of $$("[data-entry]", holder.content)) $(`[data-testid="nav-${count.dataset.entry}"]`, entries)?.append(count);
    })
    .catch(() => {});
}

// the machine itself has no network: said on every page
addEventListener("offline", () => ($("#offline").hidden = false));
addEventListener("online", () => ($("#offline").hidden = true));

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
