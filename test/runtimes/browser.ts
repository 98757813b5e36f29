/**
 * The packed package and the page of the examples in Chromium, from a folder where both are installed:
 *
 *     tsx test/runtimes/browser.ts FOLDER
 */
import { equal, match, ok } from "node:assert/strict";
import type { Page } from "playwright-core";
import { launch, serve } from "../../docs/browser/serve.ts";

const [server, browser] = await Promise.all([serve(process.argv[2]!), launch()]);
const complaints: string[] = [];
async function open(path: string): Promise<Page> {
  const page = await browser.newPage();
  page.on("pageerror", (error) => complaints.push(`${path}: ${error.message}`));
  page.on("console", (message) => {
    // A file that models may have and this one has not is asked for, and said to be missing by the browser.
    const optional = message.location().url.endsWith("/chat_template.jinja");
    if (message.type() === "error" && !optional) complaints.push(`${path}: ${message.text()}`);
  });
  await page.route("**", (route) => (route.request().url().startsWith(server.url) ? route.continue() : route.abort()));
  await page.goto(server.url + path);
  return page;
}
try {
  const smoke = await open("smoke.html");
  await smoke.waitForFunction(() => "done" in window);
  const [said, written] = (await smoke.evaluate(() => (window as unknown as { done: Promise<string> }).done)).split(
    "\n",
  );

  const page = await open("page.html");
  const write = page.getByRole("button", { name: "Write" });
  const text = () => page.evaluate(() => document.querySelector("output")!.value);
  /** Clicks Stop in the page itself once there is more text than that: from here the model would be done before. */
  const stopBeyond = (length: number) =>
    page.waitForFunction((least) => {
      const stop = document.querySelector<HTMLButtonElement>('[name="stop"]')!;
      if (document.querySelector("output")!.value.length <= least) return false;
      if (stop.disabled) throw new Error("the text was done before it was stopped");
      stop.click();
      return true;
    }, length);
  // Every value that the bar shows.
  await page.evaluate(() => {
    const bar = document.querySelector("progress")!;
    const shown: number[] = [];
    Object.assign(window, { shown });
    new MutationObserver(() => shown.push(bar.value / bar.max)).observe(bar, { attributes: true });
  });
  await write.click();
  await stopBeyond(100);
  const shown = await page.evaluate(() => (window as unknown as { shown: number[] }).shown);
  ok(shown.length > 3, `the bar moved ${shown.length} times`);
  ok(shown.every((share, i) => i === 0 || share >= shown[i - 1]!));
  equal(shown.at(-1), 1);
  await page.waitForFunction(() => !document.querySelector<HTMLButtonElement>('[name="write"]')!.disabled);
  const stopped = await text();
  match(stopped, /^And God said\W/);
  await page.waitForTimeout(200);
  equal(await text(), stopped);
  await write.click();
  await stopBeyond(40);

  equal(complaints.join("\n"), "");
  console.log(`${said}; the page shows its progress in ${shown.length} steps, writes and stops\n${written}`);
} finally {
  await browser.close();
  await server.close();
}
