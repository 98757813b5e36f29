/** The built site in a real browser, served below a path of its own, with nothing else within reach. Build it first: `npm run docs`. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../../scripts/pages.ts";
import { ids } from "../../src/index.ts";
import { compressed, launch, serve } from "./serve.ts";

const site = join(root, "docs/site");
const axe = join(root, "node_modules/axe-core/axe.min.js");
/** Compressed bytes that a mechanism page may need before anybody asks for more. */
const firstView = 300_000;
/** One page of each family: what is tried where trying all would take too long. */
const sample = [...new Map(ids.map((id) => [id.split("/")[0], id])).values()];

let server: Awaited<ReturnType<typeof serve>>;
let browser: Browser;
let context: BrowserContext;
const complaints: string[] = [];

beforeAll(async () => {
  if (!existsSync(join(site, "index.html"))) throw new Error("docs/site is not built: npm run docs");
  [server, browser] = await Promise.all([serve(site), launch()]);
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  await context.route("**", (route) => {
    if (route.request().url().startsWith(server.url) || route.request().url().startsWith("data:"))
      return route.continue();
    complaints.push(`asks for ${route.request().url()}`);
    return route.abort();
  });
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** Opens a page and notes what it complains of. */
async function open(path: string, in_: BrowserContext = context): Promise<Page> {
  const page = await in_.newPage();
  page.on("console", (message) => message.type() === "error" && complaints.push(`${path}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`${path}: ${error.message}`));
  page.on(
    "response",
    (response) => response.status() >= 400 && complaints.push(`${path}: ${response.status()} ${response.url()}`),
  );
  await page.goto(server.url + path, { waitUntil: "load" });
  return page;
}
/** Runs over a list, each lane taking the next item when it is free. */
async function each<L, T>(
  lanes: readonly L[],
  items: readonly T[],
  f: (lane: L, item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  await Promise.all(
    lanes.map(async (lane) => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await f(lane, item);
    }),
  );
}

/** How many colours a map shows, read back from its pixels. */
const colours = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const drawn = [
      ...document.querySelectorAll<HTMLImageElement | HTMLCanvasElement>(".picture .drawn .pixels > *"),
    ].find((element) => getComputedStyle(element).display !== "none")!;
    if (drawn instanceof HTMLImageElement) await drawn.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] =
      drawn instanceof HTMLImageElement ? [drawn.naturalWidth, drawn.naturalHeight] : [drawn.width, drawn.height];
    const pen = canvas.getContext("2d")!;
    pen.drawImage(drawn, 0, 0);
    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    return new Set(Array.from({ length: data.length / 4 }, (_, i) => data.slice(4 * i, 4 * i + 3).join())).size;
  });
/** What all maps of a demonstration hold. */
const drawing = (page: Page): Promise<string> =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLCanvasElement>(".picture canvas")].map((canvas) => canvas.toDataURL()).join(),
  );

async function violations(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: axe });
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run: () => Promise<{ violations: { id: string; impact: string; nodes: { target: string[] }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(
        ({ id, nodes }) =>
          `${id}: ${nodes
            .slice(0, 3)
            .map(({ target }) => target.join(" "))
            .join("; ")}`,
      );
  });
}

const files = existsSync(site)
  ? readdirSync(site, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".html"))
  : [];
/** `href` and `src` of a file of the site, below the site's own folder; nothing that leads elsewhere. */
function links(file: string, text: string): { path: string; anchor: string }[] {
  return [...text.matchAll(/\s(?:href|src|data-script)="([^"]*)"/g)].flatMap(([, link = ""]) => {
    if (/^(https?|mailto|data):/.test(link)) return [];
    const url = new URL(link.replace(/&amp;/g, "&"), `file:///${file}`);
    return [{ path: decodeURIComponent(url.pathname).slice(1), anchor: decodeURIComponent(url.hash.slice(1)) }];
  });
}

describe("the files", () => {
  test("hold a page for every mechanism, and no formula that failed", () => {
    const own = files.filter((name) => !name.startsWith("api/"));
    expect(ids.filter((id) => !own.includes(`${id}/index.html`))).toEqual([]);
    const texts = own.map((name) => [name, readFileSync(join(site, name), "utf8")] as const);
    expect(texts.filter(([, text]) => text.includes("katex-error")).map(([name]) => name)).toEqual([]);
    expect(
      ids.filter((id) => !/id="formula"[\s\S]*class="katex/.test(readFileSync(join(site, id, "index.html"), "utf8"))),
    ).toEqual([]);
  });
  test("lead nowhere that is not there", () => {
    const texts = new Map(files.map((name) => [name, readFileSync(join(site, name), "utf8")]));
    const named = new Map(
      [...texts].map(([name, text]) => [name, new Set([...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id!))]),
    );
    const broken = [...texts].flatMap(([name, text]) =>
      links(name, text).flatMap(({ path, anchor }) => {
        const file = path === "" || path.endsWith("/") ? `${path}index.html` : path;
        if (!existsSync(join(site, file))) return [`${name} → ${path}`];
        const missing = anchor && !anchor.includes("=") && named.has(file) && !named.get(file)!.has(anchor);
        return missing && !name.startsWith("api/") ? [`${name} → ${path}#${anchor}`] : [];
      }),
    );
    expect([...new Set(broken)]).toEqual([]);
  });
});

describe("in the browser", () => {
  test("every mechanism shows its formula and a picture that is not blank, within the first view's weight", async () => {
    const heavy: string[] = [];
    const blank: string[] = [];
    let most = 0;
    const tabs = await Promise.all(
      [1, 2].map(async () => {
        const page = await context.newPage();
        const tab = { page, id: "", files: new Set<string>() };
        page.on("pageerror", (error) => complaints.push(`${tab.id}: ${error.message}`));
        page.on("console", (message) => message.type() === "error" && complaints.push(`${tab.id}: ${message.text()}`));
        page.on("response", (response) => {
          tab.files.add(
            new URL(response.url()).pathname.slice(new URL(server.url).pathname.length).replace(/\/$/, "/index.html"),
          );
        });
        return tab;
      }),
    );
    await each(tabs, ids, async (tab, id) => {
      Object.assign(tab, { id, files: new Set() });
      await tab.page.goto(`${server.url}${id}/`, { waitUntil: "load" });
      await tab.page.evaluate(() => document.fonts.ready);
      const bytes = [...tab.files].reduce((sum, file) => sum + compressed(file, readFileSync(join(site, file))), 0);
      if (bytes > firstView) heavy.push(`${id}: ${bytes}`);
      most = Math.max(most, bytes);
      if ((await colours(tab.page)) < 2 || (await tab.page.locator("#formula .katex-html").count()) === 0)
        blank.push(id);
    });
    for (const { page } of tabs) await page.close();
    console.log(`the heaviest first view is ${Math.round(most / 1000)} kB`);
    expect({ heavy, blank }).toEqual({ heavy: [], blank: [] });
  });
  test.each(sample)("trying %s changes its picture, also by keyboard alone", async (id) => {
    const page = await open(`${id}/`);
    await page.locator(".try .start").focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".picture canvas");
    const controls = page.locator(".controls input[type=range]:not([max='0'])");
    const before = await drawing(page);
    let changed = false;
    for (let i = 0; i < (await controls.count()) && !changed; i++) {
      await controls.nth(i).focus();
      for (const key of ["Home", "ArrowRight", "End"]) {
        await page.keyboard.press(key);
        await page.waitForTimeout(60);
        changed ||= (await drawing(page)) !== before;
      }
    }
    expect(changed).toBe(true);
    expect(await page.locator(".picture .status").textContent()).toMatch(/Redrawn|No picture/);
    await page.close();
  });
  test("the search finds GQA and goes there", async () => {
    const page = await open("papers/");
    await page.keyboard.press("/");
    await page.keyboard.type("GQA");
    await page.waitForSelector("#found [aria-selected=true]");
    expect(await page.locator("#found li").first().textContent()).toContain("Grouped-query attention");
    await Promise.all([page.waitForURL("**/heads/grouped-query-attention/"), page.keyboard.press("Enter")]);
    await page.close();
  });
  test("filters of the Atlas and the papers narrow, count, and are kept in the address", async () => {
    const page = await open("");
    await page.selectOption("select[name=causal]", "always");
    await page.selectOption("select[name=family]", "linear");
    const shown = await page.locator(".card:visible").count();
    expect(shown).toBeGreaterThan(0);
    expect(shown).toBeLessThan(ids.length);
    expect(await page.locator(".count output").textContent()).toBe(String(shown));
    const again = await open(new URL(page.url()).hash);
    expect(await again.locator(".card:visible").count()).toBe(shown);
    const papers = await open("papers/");
    await papers.fill(".filters input", "mamba");
    expect(await papers.locator(".list > li:visible").count()).toBeLessThan(50);
    for (const one of [page, again, papers]) await one.close();
  });
  test("the switch changes the theme and the pictures with it", async () => {
    const page = await open(`${sample[0]}/`);
    const look = () =>
      page.evaluate(() => [
        getComputedStyle(document.documentElement).backgroundColor,
        [...document.querySelectorAll(".picture img")].filter((i) => getComputedStyle(i).display !== "none")[0]!
          .className,
      ]);
    const before = await look();
    await page.click(".theme");
    const after = await look();
    expect(after[0]).not.toBe(before[0]);
    expect([before[1], after[1]]).toEqual(["light", "dark"]);
    await page.close();
  });
  describe.each(["light", "dark"] as const)("in %s", (colorScheme) => {
    const kinds = [
      "",
      "papers/",
      "guides/",
      "guides/letters/",
      "guides/check-your-kernel/",
      "guides/run-a-model-at-the-edge/",
      ...sample.slice(0, 5).map((id) => `${id}/`),
    ];
    test("no page type breaks a rule of accessibility, nor is wider than a phone", async () => {
      const themed = await browser.newContext({ colorScheme, viewport: { width: 390, height: 844 } });
      const found: string[] = [];
      await each([1, 2], kinds, async (_, path) => {
        const page = await open(path, themed);
        found.push(...(await violations(page)).map((violation) => `${path || "atlas"}: ${violation}`));
        if ((await page.evaluate(() => document.documentElement.scrollWidth)) > 390)
          found.push(`${path || "atlas"} is wider than the screen`);
        await page.close();
      });
      await themed.close();
      expect(found).toEqual([]);
    });
  });
  test("the demonstration's controls break no rule of accessibility", async () => {
    const page = await open("heads/grouped-query-attention/");
    await page.click(".try .start");
    await page.waitForSelector(".controls");
    expect(await violations(page)).toEqual([]);
    await page.close();
  });
  test("nothing complained in the console, nothing was asked of the network", () => expect(complaints).toEqual([]));
});
