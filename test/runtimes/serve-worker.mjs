/**
 * The Worker of the examples, served by workerd from its own wrangler.jsonc, beside Node:
 *
 *     node serve-worker.mjs path/to/workerd
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { embedded, generate, loadModel } from "attnspec/models";

/** What a Worker may take on Cloudflare. */
const mebibytes = 128;

/** Serves a configuration on a free port: when it listens, its lines, and the most memory it took. */
async function serve(config) {
  const flags = ["serve", config, "--experimental", "--socket-addr=http=127.0.0.1:0", "--control-fd=3"];
  const process_ = spawn(process.argv[2], flags, { stdio: ["ignore", "pipe", "pipe", "pipe"] });
  const ended = once(process_, "exit");
  let said = "";
  for (const stream of [process_.stdout, process_.stderr])
    stream.on("data", (bytes) => {
      said += bytes;
    });
  const listening = once(createInterface(process_.stdio[3]), "line");
  const failed = ended.then(() => Promise.reject(new Error(`workerd ended: ${said}`)));
  const [line] = await Promise.race([listening, failed]);
  failed.catch(() => {});
  return {
    url: `http://127.0.0.1:${JSON.parse(line).port}/`,
    /** Waits until workerd has printed something. */
    async says(pattern) {
      for (let tries = 0; tries < 400 && !pattern.test(said); tries++) await new Promise((go) => setTimeout(go, 25));
      match(said, pattern);
    },
    peak: async () => Number(/VmHWM:\s*(\d+)/.exec(await readFile(`/proc/${process_.pid}/status`, "utf8"))[1]) / 1024,
    close: () => process_.kill() && ended,
  };
}

async function* events(response) {
  let rest = "";
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\n\n");
    rest = lines.pop();
    for (const line of lines) yield JSON.parse(line.replace(/^data: /, ""));
  }
}

const worker = (modules) => `export default { async fetch() { ${modules} return new Response("served"); } };`;
await writeFile("empty.mjs", worker(""));
await writeFile(
  "kernels.mjs",
  `import simd from "attnspec/kernels.wasm";
import relaxed from "attnspec/kernels.relaxed.wasm";
import { load } from "attnspec/wasm";
${worker(`
  const one = { shape: [1, 1], data: Float32Array.of(1) };
  (await load({ module: { simd, relaxed } })).matmul(one, one);`)}`,
);
for (const name of ["empty", "kernels"])
  await writeFile(`${name}.json`, JSON.stringify({ name, main: `${name}.mjs`, compatibility_date: "2026-01-01" }));
/** Milliseconds of the first request to a Worker, the least of some starts; and the memory of one. */
async function first(config) {
  const [times, peaks] = [[], []];
  for (let start = 0; start < 5; start++) {
    const server = await serve(config);
    const asked = performance.now();
    equal(await (await fetch(server.url)).text(), "served");
    times.push(performance.now() - asked);
    peaks.push(await server.peak());
    await server.close();
  }
  return { milliseconds: Math.min(...times), memory: Math.min(...peaks) };
}
const [empty, kernels] = [await first("empty.json"), await first("kernels.json")];

const model = await loadModel(embedded());
const pieces = [];
for await (const { text, finish } of generate(model, "And God said", { maxTokens: 40, temperature: 0 }))
  pieces.push(finish ? { text, finish } : { text });

const server = await serve("wrangler.jsonc");
const response = await fetch(`${server.url}?prompt=And+God+said&tokens=40&temperature=0`);
equal(response.headers.get("content-type"), "text/event-stream");
const received = [];
for await (const event of events(response)) received.push(event);
deepEqual(received, pieces);

const leaving = new AbortController();
const long = await fetch(`${server.url}?prompt=And+God+said&tokens=200`, { signal: leaving.signal });
let seen = 0;
for await (const _ of events(long)) if (++seen === 3) break;
leaving.abort();
await server.says(/the client left after (\d|1\d|\d\d) tokens/);

const refused = await fetch(`${server.url}?prompt=`);
deepEqual([refused.status, await refused.text()], [400, "prompt: it has no tokens; give at least one"]);
const memory = (await server.peak()) - empty.memory;
ok(memory < mebibytes, `the Worker takes ${memory} MiB`);
await server.close();
console.log(
  `${pieces.length} events with the text of Node, and none once the client left; ${memory.toFixed(0)} MiB; the first request of a Worker is answered in ${empty.milliseconds.toFixed(1)} ms, with a kernel call in ${kernels.milliseconds.toFixed(1)} ms`,
);
