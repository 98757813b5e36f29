/** What each command does and prints. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { scaledDotProductAttention } from "../../spec/core/scaled-dot-product-attention.ts";
import type { Tensor } from "../../spec/page.ts";
import type { Report } from "../../src/bench/report.ts";
import { bench } from "../../src/cli/commands/bench.ts";
import { check } from "../../src/cli/commands/check.ts";
import { list } from "../../src/cli/commands/list.ts";
import { run } from "../../src/cli/commands/run.ts";
import { show } from "../../src/cli/commands/show.ts";
import { vectors } from "../../src/cli/commands/vectors.ts";
import { evidence, ids, UnknownMechanismError } from "../../src/index.ts";
import { readTensorFile, writeTensorFile } from "../../src/io/files.ts";
import { tensorOf } from "../../src/oracle/tensors.ts";
import { attnspec, bug, golden, printed, root, sdpa, temporary, write } from "./support.ts";

const folder = temporary();
const numbers = {
  q: [[1, 2]],
  k: [
    [1, 0],
    [0, 1],
    [1, 1],
  ],
  v: [[1], [2], [3]],
};
const plain = write(join(folder, "plain.safetensors"), numbers);
const attend = (options: Parameters<typeof scaledDotProductAttention>[1] = {}) =>
  scaledDotProductAttention({ q: tensorOf(numbers.q), k: tensorOf(numbers.k), v: tensorOf(numbers.v) }, options);
const version = (JSON.parse(readFileSync(`${root}package.json`, "utf8")) as { version: string }).version;

describe("the command", () => {
  test.concurrent("prints its version", { timeout: 60_000 }, async () =>
    expect(await attnspec(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" }),
  );
  test.concurrent("helps, with every command; and of one command, with its own usage", {
    timeout: 60_000,
  }, async () => {
    const { code, stdout, stderr } = await attnspec(["help"]);
    expect([code, stderr]).toEqual([0, ""]);
    for (const name of ["list", "show ID", "run ID", "check ID", "vectors ID"])
      expect(stdout).toContain(`\nattnspec ${name} `);
    expect(stdout).toContain("Exit 0: fine; 1: does not conform; 2: bad usage or input.");
    const one = await attnspec(["check", "--help"]);
    expect([one.code, one.stderr]).toEqual([0, ""]);
    expect(one.stdout).toMatch(/^attnspec check ID /);
  });
  test.concurrent("without a word helps and exits 2", { timeout: 60_000 }, async () => {
    const { code, stdout } = await attnspec([]);
    expect(code).toBe(2);
    expect(stdout).toContain("attnspec list");
  });
  test.concurrent("ends silently when nobody reads on", { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await attnspec(["list", "--coverage", "--json"], { close: true });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^\{/);
  });
  test.concurrent("exits 0 on a result that conforms and 1 on one that does not", { timeout: 60_000 }, async () => {
    const [right, wrong] = await Promise.all([
      attnspec(["check", sdpa, "--input", golden, "--actual", golden]),
      attnspec(["check", sdpa, "--input", bug, "--actual", bug]),
    ]);
    expect([right.code, right.stderr]).toEqual([0, ""]);
    expect([wrong.code, wrong.stderr]).toEqual([1, ""]);
    expect(wrong.stdout).toMatch(/^core\/scaled-dot-product-attention: does not conform \(float32\)\n {2}out: \d+ of/);
  });
});

describe("list", () => {
  test("names every mechanism with how it is confirmed, and counts them", { timeout: 60_000 }, async () => {
    const { code, text } = await printed(list);
    expect(code).toBe(0);
    for (const id of ids)
      expect(text).toMatch(new RegExp(`^${id} +(confirmed|read|published|reconstructed) +\\S`, "m"));
    const confirmed = Object.values(evidence).filter((e) => e.confidence === "confirmed").length;
    expect(text).toMatch(new RegExp(`\\n${ids.length} mechanisms, ${confirmed} confirmed by their official code$`));
  });
  test("--family lists one family", async () => {
    const { text } = await printed(list, "--family", "heads");
    const lines = text.split("\n").filter((line) => line.includes("/"));
    expect(lines).toHaveLength(ids.filter((id) => id.startsWith("heads/")).length);
    expect(lines.every((line) => line.startsWith("heads/"))).toBe(true);
  });
  test("--json gives id, name, paper and evidence", async () => {
    const { text } = await printed(list, "--json", "--family=core");
    const all = JSON.parse(text) as Record<string, unknown>[];
    expect(all.find((one) => one.id === sdpa)).toEqual({
      id: sdpa,
      name: "Scaled dot-product attention",
      paper: "Vaswani et al., 2017, arXiv:1706.03762",
      ...evidence[sdpa],
    });
  });
  test("--coverage lists every paper with its state and pages, unwritten ones in brackets", async () => {
    const { code, text } = await printed(list, "--coverage");
    expect(code).toBe(0);
    expect(text.match(/^\d+ +(written|in part|not written|no mechanism) /gm)).toHaveLength(246);
    expect(text).toMatch(/\n246 papers: \d+ written, \d+ in part, \d+ not written, \d+ no mechanism\./);
    const { papers, counts } = JSON.parse((await printed(list, "--coverage", "--json")).text) as {
      papers: { state: string; missing: string[] }[];
      counts: Record<string, number>;
    };
    expect(papers).toHaveLength(246);
    expect(Object.values(counts).reduce((a, b) => a + b)).toBe(246);
    for (const missing of papers.flatMap((paper) => paper.missing)) expect(text).toContain(`(${missing})`);
  });
});

describe("show", () => {
  test("gives name, formula, shapes, options with defaults, laws and confidence", async () => {
    const { code, text } = await printed(show, sdpa);
    expect(code).toBe(0);
    expect(text).toMatch(/^Scaled dot-product attention {2}\(core\/scaled-dot-product-attention\)\n/);
    expect(text).toContain("$$ o_t = \\sum_{s \\in S_t} w_{t,s}\\, v_s");
    expect(text).toMatch(/\n {2}q +\[Tq D\]\n/);
    expect(text).toMatch(/\n {2}mask +\[Tq Tk\] +optional, else 1\n/);
    expect(text).toMatch(/\n {2}scale +a number +default from the sizes: 1 ?\/ ?Math\.sqrt\(n\.D\) +σ, the factor/);
    expect(text).toMatch(/\n {2}causalAlign +one of bottom-right, top-left +default bottom-right +/);
    expect(text).toContain("\nLaws, checked\n  is linear in v (out)\n");
    expect(text).toContain("\nConfidence\n  confirmed: ");
    expect(text).not.toContain("{@link");
  });
  test("knows a mechanism by the last part of its id", async () =>
    expect(await printed(show, "scaled-dot-product-attention")).toEqual(await printed(show, sdpa)));
  test("--source prints the page", async () =>
    expect((await printed(show, sdpa, "--source")).text).toBe(
      readFileSync(`${root}spec/${sdpa}.ts`, "utf8").trimEnd(),
    ));
  test("--json gives the declaration", async () => {
    const shown = JSON.parse((await printed(show, sdpa, "--json")).text) as Record<string, unknown>;
    expect(shown).toMatchObject({
      id: sdpa,
      inputs: scaledDotProductAttention.page.inputs,
      outputs: { out: "Tq E", lse: "Tq" },
      options: { causal: { is: "true or false", default: false } },
      laws: expect.arrayContaining(["is linear in v (out)"]),
      ...evidence[sdpa],
    });
    expect(shown.comment).toMatch(/^Scaled dot-product attention: /);
  });
  test("of an unknown id suggests those spelled alike, and those with these initials", async () => {
    await expect(show(["scaled-dot-produkt-attention"])).rejects.toThrow(
      /^there is no mechanism scaled-dot-produkt-attention; did you mean core\/scaled-dot-product-attention, /,
    );
    await expect(show(["gqa"])).rejects.toThrow(/did you mean heads\/grouped-query-attention, /);
    await expect(show(["SDPA"])).rejects.toThrow(/did you mean core\/scaled-dot-product-attention, /);
    await expect(show(["toString"])).rejects.toThrow(UnknownMechanismError);
  });
  test("works for every page", { timeout: 60_000 }, async () => {
    const faults: string[] = [];
    for (const id of ids) {
      const { text } = await printed(show, id);
      if (!text.includes("$$") || !text.includes("\nInputs\n") || text.includes("undefined")) faults.push(id);
    }
    expect(faults).toEqual([]);
  });
});

describe("run", () => {
  const read = async (path: string) =>
    (await readTensorFile(path)) as { tensors: Record<string, Tensor>; metadata: Record<string, string> };
  test("computes a safetensors file to another, with every option in its metadata", async () => {
    const out = join(folder, "out.safetensors");
    const { code, text } = await printed(run, sdpa, "--input", plain, "--output", out);
    expect([code, text]).toEqual([0, `${sdpa}: out [1, 1], lse [1] → ${out}`]);
    const { tensors, metadata } = await read(out);
    expect(tensors.out).toMatchObject({ dtype: "F64", ...attend().out });
    expect(tensors.lse!.data).toEqual(attend().lse.data);
    expect(metadata.page).toBe(sdpa);
    expect(JSON.parse(metadata.options!)).toEqual({
      scale: 1 / Math.sqrt(2),
      causal: false,
      causalAlign: "bottom-right",
    });
  });
  test("computes a folder of .npy files to another", async () => {
    const [from, to] = [join(folder, "npy-in"), join(folder, "npy-out")];
    await writeTensorFile(
      `${from}/`,
      Object.fromEntries(Object.entries(numbers).map(([name, t]) => [name, tensorOf(t)])),
    );
    const { code, text } = await printed(
      run,
      sdpa,
      "--input",
      from,
      "--output",
      `${to}/`,
      "--set",
      "causal=true",
      "--json",
    );
    expect(code).toBe(0);
    expect(JSON.parse(text)).toMatchObject({ id: sdpa, options: { causal: true }, shapes: { out: [1, 1], lse: [1] } });
    expect(readdirSync(to).sort()).toEqual(["__metadata__.json", "lse.npy", "out.npy"]);
    expect((await read(to)).tensors.out!.data).toEqual(attend({ causal: true }).out.data);
  });
  test("takes --set for booleans, words and numbers, and lets it overrule the file's options", async () => {
    const out = join(folder, "set.safetensors");
    const stored = write(join(folder, "stored.safetensors"), numbers, {
      options: '{"scale": 3, "CAUSAL_ALIGN": "top-left"}',
    });
    await printed(run, sdpa, "--input", stored, "--output", out, "--set", "scale=-0.5", "--set", "causal=true");
    const { tensors, metadata } = await read(out);
    expect(JSON.parse(metadata.options!)).toEqual({ scale: -0.5, causal: true, causalAlign: "top-left" });
    expect(tensors.out!.data).toEqual(attend({ scale: -0.5, causal: true, causalAlign: "top-left" }).out.data);
  });
  test("takes --set for infinities, which its metadata holds as words that a later run reads", async () => {
    const [first, second] = [join(folder, "first.safetensors"), join(folder, "second.safetensors")];
    await printed(run, "logit-softcap", "--input", plain, "--output", first, "--set", "cap=inf");
    const { tensors, metadata } = await read(first);
    expect(JSON.parse(metadata.options!)).toMatchObject({ cap: "Infinity" });
    expect(tensors.out!.data[0]).toBeCloseTo(attend().out.data[0]!, 12);
    write(second, numbers, { options: metadata.options! });
    const out = join(folder, "third.safetensors");
    await printed(run, "logit-softcap", "--input", second, "--output", out);
    expect((await read(out)).tensors).toEqual(tensors);
  });
  test("takes --set for lists of numbers", async () => {
    const { page } = await (await import("../../spec/catalogue.ts")).catalogue["positional/pine-attention"]();
    const { draw } = await import("../../src/oracle/cases.ts");
    const { random } = await import("../../src/oracle/random.ts");
    const drawn = draw(page, random(1), { fixed: { options: { segmentLens: [1, 2] } } });
    const [from, out] = [join(folder, "pine.safetensors"), join(folder, "pine-out.safetensors")];
    await writeTensorFile(from, drawn.inputs as Record<string, never>);
    const others = Object.entries(drawn.options).filter(([name]) => name !== "segmentLens");
    const set = others.flatMap(([name, value]) => ["--set", `${name}=${String(value)}`]);
    const { code } = await printed(run, page.id, "--input", from, "--output", out, ...set, "--set", "segmentLens=1,2");
    expect(code).toBe(0);
    expect(JSON.parse((await read(out)).metadata.options!)).toMatchObject({ segmentLens: [1, 2] });
  });
  test("reads the in. side of a file that holds both", async () => {
    const out = join(folder, "both.safetensors");
    await printed(run, sdpa, "--input", golden, "--output", out);
    const [computed, captured] = [await read(out), await read(golden)];
    const wanted = captured.tensors["out.out"]!;
    for (let i = 0; i < wanted.data.length; i++) expect(computed.tensors.out!.data[i]).toBeCloseTo(wanted.data[i]!, 9);
  });
});

describe("check", () => {
  test("tells the largest error as a share of the budget, and what was not given", async () => {
    const { code, text } = await printed(check, sdpa, "--input", golden, "--actual", golden);
    expect(code).toBe(0);
    expect(text).toMatch(
      /^core\/scaled-dot-product-attention: conforms \(float32\)\n {2}out: largest error 0\.0 % of the budget of \S+ \(out\[\d, \d\] is \S+, expected \S+\)\n {2}not given, so not judged: lse$/,
    );
  });
  test("tells how many values are wrong and shows the worst", async () => {
    const { code, text } = await printed(check, sdpa, "--input", bug, "--actual", bug);
    expect(code).toBe(1);
    expect(text).toMatch(
      / {2}out: \d+ of \d+ values are wrong; the worst: out\[.*\] is \S+, expected \S+, \S+ times the budget of /,
    );
  });
  test("judges by the precision asked for", async () => {
    const near = write(join(folder, "near.safetensors"), { out: [[attend().out.data[0]! + 1e-3]] });
    const codes = [];
    for (const dtype of ["f32", "f16", "bf16", "float32", "bfloat16"])
      codes.push((await printed(check, sdpa, "--input", plain, "--actual", near, "--dtype", dtype)).code);
    expect(codes).toEqual([1, 0, 0, 1, 0]);
  });
  test("--json gives every output's verdict", async () => {
    const { code, text } = await printed(check, sdpa, "--input", bug, "--actual", bug, "--json");
    expect(code).toBe(1);
    expect(JSON.parse(text)).toMatchObject({
      id: sdpa,
      conforms: false,
      dtype: "float32",
      allowance: 4,
      outputs: [{ output: "out", conforms: false, share: expect.any(Number), worst: { index: expect.any(Array) } }],
      loose: [],
    });
  });
  test("finds NaN and a wrong shape", async () => {
    const nan = write(join(folder, "nan.safetensors"), { out: [[Number.NaN]] });
    const flat = write(join(folder, "flat.safetensors"), { out: [1] });
    const [first, second] = [
      await printed(check, sdpa, "--input", plain, "--actual", nan),
      await printed(check, sdpa, "--input", plain, "--actual", flat),
    ];
    expect(first).toEqual({ code: 1, text: expect.stringContaining("out[0, 0] is NaN, expected 2.") });
    expect(first.text).toContain("no number within any budget");
    expect(second).toEqual({ code: 1, text: expect.stringContaining("  out has shape [1], expected [1, 1]") });
  });
});

describe("vectors", () => {
  test("writes cases with their exact results and a manifest, which check accepts", { timeout: 60_000 }, async () => {
    const to = join(folder, "vectors");
    const { code, text } = await printed(
      vectors,
      sdpa,
      "--output",
      to,
      "--count",
      "3",
      "--seed",
      "5",
      "--set",
      "causal=true",
    );
    expect([code, text]).toEqual([0, `${sdpa}: 3 vectors → ${to}`]);
    expect(readdirSync(to).sort()).toEqual([
      "case-0.safetensors",
      "case-1.safetensors",
      "case-2.safetensors",
      "manifest.json",
    ]);
    const manifest = JSON.parse(readFileSync(join(to, "manifest.json"), "utf8")) as {
      cases: { file: string; inputs: Record<string, number[]>; options: Record<string, unknown> }[];
    };
    expect(manifest).toMatchObject({
      attnspec: version,
      page: sdpa,
      seed: 5,
      inputs: scaledDotProductAttention.page.inputs,
      cases: [{ file: "case-0.safetensors", options: { causal: true } }, {}, {}],
    });
    for (const one of manifest.cases) {
      expect(one).toMatchObject({
        outputs: { out: [one.inputs.q![0], one.inputs.v![1]], lse: [one.inputs.q![0]] },
        budgets: { float32: { out: expect.any(Number) }, float16: {}, bfloat16: { lse: expect.any(Number) } },
      });
      const file = join(to, one.file);
      expect((await printed(check, sdpa, "--input", file, "--actual", file)).code).toBe(0);
    }
  });
  test("fill an empty folder, and are the same for the same seed", async () => {
    const [first, second] = [join(folder, "empty"), join(folder, "again")];
    mkdirSync(first);
    for (const to of [first, second]) await printed(vectors, "alibi", "--output", to, "--count", "2", "--json");
    for (const file of readdirSync(first))
      expect(readFileSync(join(first, file)).equals(readFileSync(join(second, file)))).toBe(true);
  });
  test("leave a folder that holds something, and a file of that name, as they are", async () => {
    const [full, file] = [join(folder, "full"), join(folder, "notes.txt")];
    mkdirSync(full);
    for (const path of [join(full, "mine.txt"), file]) writeFileSync(path, "mine");
    await expect(vectors([sdpa, "--output", full])).rejects.toThrow(`${full} is not empty; give a new folder`);
    await expect(vectors([sdpa, "--output", file])).rejects.toThrow(`${file} is a file; give a new folder`);
    expect([readdirSync(full), readFileSync(file, "utf8")]).toEqual([["mine.txt"], "mine"]);
  });
});

describe("bench", () => {
  test("measures what its name says, beside loops and the peers installed here, in processes of their own", {
    timeout: 60_000,
  }, async () => {
    const args = ["bench", "matmul", "--filter", "matmul 64", "--processes", "2", "--rounds", "1", "--json"];
    const { code, stdout } = await attnspec([...args, "--target", "simd"]);
    const { target, processes, entries } = JSON.parse(stdout) as Report;
    expect([code, target, processes, entries.map(({ name }) => name)]).toEqual([0, "simd", 2, ["matmul 64"]]);
    const [{ rivals, ofPeak, ofBandwidth }] = entries as [Report["entries"][number]];
    expect(Object.keys(rivals)).toEqual(["loops", "onnxruntime-web", "tfjs-backend-wasm"]);
    expect(ofPeak!.least).toBeGreaterThan(0);
    expect(ofBandwidth).toBe(null);
  });
  test("has peers to develop with that nobody who installs the package gets", () => {
    const { dependencies, peerDependencies, devDependencies } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
    expect(dependencies).toBe(undefined);
    for (const peer of ["onnxruntime-web", "@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-wasm"]) {
      expect(devDependencies).toHaveProperty([peer]);
      expect(peerDependencies).not.toHaveProperty([peer]);
    }
  });
  test("what is not there is refused", async () => {
    await expect(bench(["matmul", "--peers", folder])).rejects.toThrow(
      `--peers ${folder} has neither onnxruntime-web nor @tensorflow/tfjs-core`,
    );
    await expect(bench(["matmu"])).rejects.toThrow("there is no bench matmu; there are matmul, attention");
    await expect(bench(["--target", "avx"])).rejects.toThrow("--target must be simd or relaxed, got avx");
  });
});
