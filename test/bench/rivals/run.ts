/**
 * One contender in a Chromium of its own; prints its result as JSON:
 *
 *     tsx run.ts CONTEST CONTENDER '{ "prompt": 512, "written": 32, "seconds": 1 }'
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { launch, serve } from "../../../docs/browser/serve.ts";
import { contests } from "./contests.ts";

const [contest = "", contender = "", amounts = "{}"] = process.argv.slice(2);
const chosen = contests[contest]?.contenders[contender];
if (!chosen) throw new Error(`there is no contender ${contender} in a contest ${contest}`);

const here = import.meta.dirname;
const { outputFiles } = await build({
  stdin: {
    contents: `import { open } from "./${chosen.page}.ts"; import { run } from "./contest.ts";
globalThis.result = open(${JSON.stringify(chosen)}).then((opened) => run(opened, "${contest}", ${amounts}));`,
    resolveDir: join(here, "pages"),
  },
  bundle: true,
  write: false,
  format: "esm",
  platform: "browser",
  target: "es2022",
  external: ["node:*", "module", "fs", "path", "worker_threads", "os"],
  logLevel: "error",
});

const server = await serve(here);
const browser = await launch();
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(`${contender}: ${error.stack ?? error.message}`));
  await page.exposeFunction("threads", threads);
  await page.route(server.url, (route) =>
    route.fulfill({ contentType: "text/html", body: "<!doctype html><title>contest</title>" }),
  );
  await page.goto(server.url);
  await page.addScriptTag({ type: "module", content: outputFiles[0]!.text });
  // A module runs some time after it was added.
  await page.waitForFunction(() => "result" in globalThis);
  const result = await page.evaluate(() => (globalThis as unknown as { result: Promise<unknown> }).result);
  console.log(JSON.stringify({ ...(result as object), browser: browser.version() }));
} finally {
  await browser.close();
  await server.close();
}

/**
 * Milliseconds of the processor that each thread of the page has used, as Linux tells: whatever else runs on the machine
 * does not count. Empty elsewhere.
 */
function threads(): Record<string, number> {
  const spent: Record<string, number> = {};
  try {
    for (const process of readdirSync("/proc")) {
      if (!/^\d+$/.test(process) || !isPage(process)) continue;
      for (const thread of readdirSync(`/proc/${process}/task`))
        spent[thread] = Number(readFileSync(`/proc/${process}/task/${thread}/schedstat`, "utf8").split(" ")[0]) / 1e6;
    }
  } catch (error) {
    // A process or thread that ended meanwhile, or no such files at all.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
  return spent;
}

/** Whether a process draws a page of a browser that this process started. */
function isPage(pid: string): boolean {
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--type=renderer")) return false;
    for (
      let at = Number(pid);
      at > 1;
      at = Number(readFileSync(`/proc/${at}/stat`, "utf8").split(") ")[1]!.split(" ")[1])
    )
      if (at === process.pid) return true;
    return false;
  } catch {
    return false;
  }
}
