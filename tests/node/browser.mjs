// Walks the dashboard in a real, headless Chromium and reports everything that is wrong with it as JSON on stdout.
//
// Called by tests/tests/browser.rs: node browser.mjs LINK CHROMIUM ARTIFACTS. LINK is a one-use sign-in link.
// Every page of the navigation, a session's replay and the pages for adding a source are looked at in both themes and at
// three widths: status, one heading, text, sideways scroll, console, CSP reports, requests to other origins, axe at AA.
// Then: stepping through a replay by keys, and the same text without script. Screenshots are kept in ARTIFACTS.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { chromium } from "playwright-core";

const [link, executablePath, artifacts] = process.argv.slice(2);
const origin = new URL(link).origin;
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const THEMES = ["light", "dark"];
const WIDTHS = [1440, 900, 360];
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

const report = { pages: [], checks: 0, problems: [] };
const problem = (where, what) => report.problems.push(`${where}: ${what}`);
const check = (where, holds, what) => {
  report.checks += 1;
  if (!holds) problem(where, what);
  return holds;
};

mkdirSync(artifacts, { recursive: true });
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
try {
  const storageState = await signIn();
  const pages = await discover(storageState);
  report.pages = pages.map(({ name }) => name);
  for (const theme of THEMES) {
    for (const width of WIDTHS) {
      await look(storageState, pages, theme, width);
    }
  }
  await stepByKeys(storageState, pages);
  await withoutScript(storageState, pages);
} catch (error) {
  problem("walk", error.stack ?? String(error));
} finally {
  await browser.close();
}
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);

/** Follows the link as a click would, and gives the cookies. */
async function signIn() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 } });
  const page = await context.newPage();
  const answer = await page.goto(link);
  check("sign-in", answer.status() === 200, `status ${answer.status()}`);
  if (new URL(page.url()).pathname === "/login") {
    await page.getByRole("button").first().click();
    await page.waitForURL((url) => url.pathname !== "/login");
  }
  check("sign-in", new URL(page.url()).pathname !== "/login", "the link does not sign in");
  const again = await browser.newContext();
  const second = await again.newPage();
  await second.goto(link);
  check("sign-in", new URL(second.url()).pathname === "/login", "the link signs in twice");
  await again.close();
  const state = await context.storageState();
  await context.close();
  return state;
}

/** The pages of the navigation, the replay of a session with a failure, and adding a source. */
async function discover(storageState) {
  const context = await browser.newContext({ storageState, viewport: { width: 1440, height: 1000 } });
  const page = await context.newPage();
  await page.goto(origin);
  const links = await page.locator("nav a[href]").evaluateAll((anchors) => anchors.map((a) => ({
    url: a.href,
    name: (a.textContent || a.getAttribute("aria-label") || "").trim(),
  })));
  const pages = [];
  for (const { url, name } of links) {
    if (new URL(url).origin === origin && !pages.some((known) => known.url === url)) {
      pages.push({ url, name: slug(name || new URL(url).pathname) });
    }
  }
  check("navigation", pages.length >= 3, `only ${pages.length} links in the navigation`);
  const sessions = pages.find(({ name }) => name.startsWith("sessions"));
  if (check("navigation", sessions, "no link to the sessions")) {
    await page.goto(sessions.url);
    const rows = page.locator("main a[href*='/sessions/']");
    const replays = await rows.evaluateAll((anchors) => [...new Set(anchors.map((a) => a.href))]);
    if (check("sessions", replays.length > 5, `only ${replays.length} sessions are listed`)) {
      pages.push({ url: await busiest(page, replays.slice(0, 12)), name: "replay" });
    }
  }
  for (const [list, one] of [["tools", "tool"], ["issues", "issue"], ["people", "person"]]) {
    const at = pages.find(({ url }) => new URL(url).pathname.endsWith(`/${list}`));
    if (!check("navigation", at, `no link to ${list}`)) continue;
    await page.goto(at.url);
    const first = page.locator(`#rows a.row[href*='/${list}/']`).first();
    if (check(list, await first.count() > 0, "no row leads to its page")) {
      pages.push({ url: await first.evaluate((a) => a.href), name: one });
    }
  }
  for (const [name, where] of [["setup", "/setup"], ["new-project", "/projects/new"]]) {
    const answer = await page.goto(`${origin}${where}`);
    if (answer.status() === 200 && !pages.some(({ url }) => url === page.url())) {
      pages.push({ url: page.url(), name });
    }
  }
  await context.close();
  return pages;
}

/** Of some sessions, the one with the most to show. */
async function busiest(page, urls) {
  let best = { length: -1 };
  for (const url of urls) {
    await page.goto(url);
    const { length } = await page.locator("main").innerText();
    if (length > best.length) best = { url, length };
  }
  return best.url;
}

/** Everything that can be seen on each page in one theme and width. */
async function look(storageState, pages, theme, width) {
  const context = await browser.newContext({ storageState, colorScheme: theme, viewport: { width, height: 1000 } });
  await context.addInitScript(() => {
    globalThis.cspReports = [];
    document.addEventListener("securitypolicyviolation", (event) => {
      globalThis.cspReports.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
    });
  });
  for (const { url, name } of pages) {
    const where = `${name} ${theme} ${width}`;
    const page = await context.newPage();
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) problem(where, `console: ${message.text()}`);
    });
    page.on("pageerror", (error) => problem(where, `exception: ${error.message}`));
    page.on("request", (request) => {
      const asked = new URL(request.url());
      if (!["data:", "blob:"].includes(asked.protocol) && asked.origin !== origin) {
        problem(where, `a request to ${asked.origin}`);
      }
    });
    page.on("response", (response) => {
      if (response.status() >= 400) problem(where, `${response.status()} for ${response.url()}`);
    });
    const answer = await page.goto(url, { waitUntil: "load" });
    check(where, answer.status() === 200, `status ${answer.status()}`);
    await page.waitForTimeout(150);
    const seen = await page.evaluate(() => ({
      headings: document.querySelectorAll("h1").length,
      text: document.querySelector("main")?.innerText.trim().length ?? 0,
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      title: document.title,
      lang: document.documentElement.lang,
      csp: globalThis.cspReports,
      background: getComputedStyle(document.body).backgroundColor,
    }));
    check(where, seen.headings === 1, `${seen.headings} level-1 headings`);
    check(where, seen.text > 40, `only ${seen.text} characters of text`);
    check(where, seen.wide <= 0, `the page scrolls sideways by ${seen.wide} px`);
    check(where, seen.title.includes("Trackway"), `title ${JSON.stringify(seen.title)}`);
    check(where, seen.lang === "en", `language ${JSON.stringify(seen.lang)}`);
    check(where, seen.csp.length === 0, `CSP: ${seen.csp.join("; ")}`);
    const bright = (seen.background.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
    check(where, (bright > 382) === (theme === "light"), `the background is ${seen.background}`);
    await page.screenshot({ path: path.join(artifacts, `${name}-${theme}-${width}.png`) });
    await page.evaluate(axeSource);
    const { violations } = await page.evaluate((tags) => globalThis.axe.run(document, { runOnly: { type: "tag", values: tags } }), TAGS);
    check(where, violations.length === 0, violations.map((v) => `${v.id} (${v.nodes.length}): ${v.nodes[0].target} ${v.nodes[0].failureSummary}`).join(" | "));
    await page.close();
  }
  await context.close();
}

/** Arrow keys step through a replay; `n` goes to the next failure; each step is a link. */
async function stepByKeys(storageState, pages) {
  const replay = pages.find(({ name }) => name === "replay");
  if (!check("keys", replay, "there is no replay")) return;
  const context = await browser.newContext({ storageState, viewport: { width: 1440, height: 1000 } });
  const page = await context.newPage();
  await page.goto(replay.url);
  const selected = () => new URL(page.url()).searchParams.get("sel");
  const steps = [selected()];
  for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft"]) {
    const before = selected();
    await page.keyboard.press(key);
    await page.waitForFunction((old) => new URL(location.href).searchParams.get("sel") !== old, before, { timeout: 3000 })
      .catch(() => problem("keys", `${key} changes nothing (sel is ${before})`));
    steps.push(selected());
  }
  check("keys", steps[1] && steps[2] && steps[1] !== steps[2], `steps ${steps.join(" → ")}`);
  check("keys", steps[3] === steps[1], `back is not where it came from: ${steps.join(" → ")}`);
  const there = await page.locator("main").innerText();
  await page.goto(page.url());
  check("keys", overlap(there, await page.locator("main").innerText()) > 0.9, "a step's link shows something else");
  await context.close();
}

/** The pages say the same without script. */
async function withoutScript(storageState, pages) {
  const silent = await browser.newContext({ storageState, javaScriptEnabled: false, viewport: { width: 1440, height: 1000 } });
  const lively = await browser.newContext({ storageState, viewport: { width: 1440, height: 1000 } });
  for (const { url, name } of pages) {
    const [without, withScript] = await Promise.all([silent, lively].map(async (context) => {
      const page = await context.newPage();
      await page.goto(url, { waitUntil: "load" });
      const text = await page.locator("main").innerText();
      await page.close();
      return text;
    }));
    const share = overlap(withScript, without);
    check(`${name} without script`, share > 0.95, `only ${(share * 100).toFixed(0)} % of the words are there`);
  }
  await silent.close();
  await lively.close();
}

/** The share of the words of one text that another one has, numbers left out: they move on between two looks. */
function overlap(text, other) {
  const words = (of) => new Set(of.toLowerCase().match(/\p{L}{2,}/gu) ?? []);
  const all = words(text);
  const found = words(other);
  return all.size === 0 ? 1 : [...all].filter((word) => found.has(word)).length / all.size;
}

function slug(text) {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "page";
}
