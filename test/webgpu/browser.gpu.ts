/** The kernels in a browser: every call, through pages that are made of it or beside the same call of WebAssembly. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cache, compileKernels } from "../../scripts/kernels.ts";
import { root } from "../../scripts/pages.ts";
import { catalogue } from "../../spec/catalogue.ts";
import type { scaledDotProductAttention } from "../../spec/core/scaled-dot-product-attention.ts";
import type { AnyMechanism } from "../../spec/page.ts";
import { conforms, type Kernel } from "../../src/oracle.ts";
import { floats } from "../../src/pages/adapt.ts";
import { decode } from "../../src/pages/decode.ts";
import { type Calls, type Implementation, implementations } from "../../src/pages.ts";
import { type Floats, type Kernels, load } from "../../src/wasm.ts";
import { calls } from "../../src/webgpu/calls.ts";
import type { DeviceError, Gpu, hosted, open } from "../../src/webgpu.ts";

/** What the served page has. */
interface Served {
  readonly library: { readonly open: typeof open; readonly hosted: typeof hosted };
  gpu: Gpu;
  readonly kernels: Readonly<Record<string, (...given: unknown[]) => Promise<unknown>>>;
}
type AllCalls = Calls & Pick<Kernels, "softmax" | "logSumExp">;

/** Rows of softmax as calls of their own, which no other kernel makes. */
const rows: Implementation<typeof scaledDotProductAttention> =
  (kernels) =>
  async ({ q, k, v, mask, bias }, { scale, causal, causalAlign }) => {
    const { matmul, softmax, logSumExp } = kernels as AllCalls;
    const products = await matmul(floats(q), floats(k), { transposed: true });
    const [Tq, Tk] = products.shape as [number, number];
    if (Tk === 0) return { decline: "there are no keys" };
    const last = causal ? (causalAlign === "top-left" ? 0 : Tk - Tq) : Tk;
    const scores = products.data.map((product, i) => {
      const [t, s] = [Math.floor(i / Tk), i % Tk];
      return s > t + last || mask?.data[i] === 0 ? -Infinity : scale * product + ((bias?.data[i] as number) ?? 0);
    });
    const given = { shape: products.shape, data: scores };
    return { out: await matmul(await softmax(given), floats(v)), lse: await logSumExp(given) };
  };

/** Pages that every call answers together, each with the kernel that does it. */
const judged = {
  "core/scaled-dot-product-attention": [implementations, decode, { "core/scaled-dot-product-attention": rows }],
  "core/lse-merge": [implementations],
  "positional/learned-absolute-position": [implementations],
  "positional/rotary-position-embedding": [implementations],
  "score/qk-norm": [implementations],
  "score/sigmoid-attention": [implementations],
  "linear/deltanet": [implementations],
  "linear/dsf-recurrence": [implementations],
  "linear/linear-transformer": [implementations],
  "linear/mamba-selective-ssm": [implementations],
  "linear/mamba2-ssd": [implementations],
  "linear/mega-ema": [implementations],
  "linear/qlstm-reversed-sigmoid": [implementations],
  "spectral/fnet-fourier-mixing": [implementations],
  "spectral/long-convolution": [implementations],
} as const;
type Id = keyof typeof judged;

/** The pages whose kernels need nothing that a GPU does not have. */
const needs: Partial<Record<Id, string>> = {
  "linear/deltanet": "deltaRule",
  "spectral/fnet-fourier-mixing": "fourier",
  "spectral/long-convolution": "longConvolution",
};

let server: Server;
let browser: Browser;
let context: BrowserContext;
let page: Page;
const complaints: string[] = [];
const made = new Set<string>();

async function opened(within: BrowserContext): Promise<Page> {
  const tab = await within.newPage();
  tab.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  tab.on("pageerror", (error) => complaints.push(error.message));
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await tab.waitForFunction(() => "library" in globalThis);
  return tab;
}

beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: `import * as library from "./src/webgpu.ts"; globalThis.library = library;`,
      resolveDir: root,
    },
    ...{ bundle: true, format: "esm", platform: "browser", write: false },
  });
  const files: Readonly<Record<string, readonly [type: string, text: string]>> = {
    "/": ["text/html", `<!doctype html><title>kernels</title><script type="module" src="library.js"></script>`],
    "/library.js": ["text/javascript", outputFiles[0]!.text],
  };
  server = createServer(({ url }, response) => {
    const file = files[url ?? ""];
    if (file) response.writeHead(200, { "content-type": file[0] }).end(file[1]);
    else response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--no-sandbox"],
  });
  context = await browser.newContext();
  page = await opened(context);
});
afterAll(async () => {
  await browser?.close();
  server?.close();
});

/** The calls of the page's GPU. */
const inBrowser = Object.fromEntries(
  Object.keys(calls).map((name) => [
    name,
    (...given: unknown[]) => {
      made.add(name);
      return page.evaluate(([name, given]) => (globalThis as unknown as Served).kernels[name]!(...given), [
        name,
        given,
      ] as const);
    },
  ]),
) as unknown as Kernels;

test("opens a GPU", async () => {
  const info = await page.evaluate(async () => {
    const here = globalThis as unknown as Served;
    here.gpu = await here.library.open();
    Object.assign(here, { kernels: here.library.hosted(here.gpu) });
    return here.gpu.info;
  });
  expect(info).toHaveProperty("vendor");
});

test.each((Object.keys(judged) as Id[]).filter((id) => !needs[id] || needs[id] in calls))("%s", async (id) => {
  const mechanism = (await catalogue[id]()) as AnyMechanism;
  for (const family of judged[id]) {
    const implementation = (family as Record<Id, unknown>)[id] as Implementation<AnyMechanism>;
    const verdict = await conforms(mechanism, implementation(inBrowser) as Kernel<AnyMechanism>, { cases: 3 });
    expect(verdict.conforms, String(verdict)).toBe(true);
  }
});

test("the largest of each row are those of WebAssembly", async () => {
  await compileKernels(cache);
  const kernels = await load();
  const x: Floats = { shape: [3, 17], data: Float32Array.from({ length: 51 }, (_, i) => Math.sin(7 * i)) };
  expect(await inBrowser.argmax(x)).toEqual(kernels.argmax(x));
  expect(await inBrowser.topK(x, 4)).toEqual(kernels.topK(x, 4));
});

test("no call was left out", () => expect(Object.keys(calls).filter((name) => !made.has(name))).toEqual([]));

test.each([
  ["no WebGPU", () => Object.defineProperty(navigator, "gpu", { value: undefined }), "there is no WebGPU here"],
  [
    "no adapter",
    () => Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => null } }),
    "offers no adapter",
  ],
])("where there is %s it says so", async (_, script, problem) => {
  const without = await browser.newContext();
  await without.addInitScript(script);
  const tab = await opened(without);
  const error = await tab.evaluate(() =>
    (globalThis as unknown as Served).library.open().then(
      () => undefined,
      ({ name, reason, message }: DeviceError) => ({ name, reason, message }),
    ),
  );
  expect(error).toMatchObject({ name: "DeviceError", reason: "missing" });
  expect(error?.message).toContain(problem);
  await without.close();
});

test("nothing complained in the console", () => expect(complaints).toEqual([]));
