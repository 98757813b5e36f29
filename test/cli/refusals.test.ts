/** Bad usage and input: exit 2, one line on stderr that begins with the name, and nothing written. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PageError } from "../../spec/page.ts";
import { UsageError } from "../../src/cli/arguments.ts";
import { check } from "../../src/cli/commands/check.ts";
import { list } from "../../src/cli/commands/list.ts";
import { run } from "../../src/cli/commands/run.ts";
import { show } from "../../src/cli/commands/show.ts";
import { vectors } from "../../src/cli/commands/vectors.ts";
import { NothingToDrawError } from "../../src/oracle/cases.ts";
import { attnspec, golden, sdpa, temporary, write } from "./support.ts";

const folder = temporary();
const at = (name: string) => join(folder, name);
const numbers = { q: [[1, 2]], k: [[1, 0]], v: [[1]] };
const plain = write(at("plain.safetensors"), numbers);
const unknown = write(at("unknown.safetensors"), { ...numbers, keys: [[1]] });
const misfit = write(at("misfit.safetensors"), { ...numbers, k: [[1, 0, 3]] });
const truncated = at("truncated.safetensors");
writeFileSync(truncated, readFileSync(golden).subarray(0, 200));
const absent = write(at("absent.safetensors"), { "out.out.3": [[1]] });
const out = at("out.safetensors");
const before = readdirSync(folder).sort();

describe("exit 2, with one line on stderr and no file", () => {
  const refused: [name: string, args: readonly string[], line: string][] = [
    ["an unknown command", ["lst"], "there is no command lst; did you mean list? `attnspec help` shows them"],
    ["an unknown flag", ["list", "--famly", "x"], "there is no flag --famly; did you mean --family?"],
    [
      "an unknown id",
      ["show", "grouped-querry-attention"],
      "there is no mechanism grouped-querry-attention; did you mean heads/grouped-query-attention, ",
    ],
    [
      "an unknown option",
      ["run", sdpa, "--input", plain, "--output", out, "--set", "scal=1"],
      `${sdpa}: there is no option scal; did you mean scale?`,
    ],
    [
      "an unknown input",
      ["run", sdpa, "--input", unknown, "--output", out],
      `${unknown}: ${sdpa} has no input keys; did you mean `,
    ],
    [
      "an option that is NaN",
      ["run", sdpa, "--input", plain, "--output", out, "--set", "scale=NaN"],
      `${sdpa}: option scale must be a number, got NaN`,
    ],
    [
      "--set without =",
      ["run", sdpa, "--input", plain, "--output", out, "--set", "scale"],
      "--set takes option=value, got scale",
    ],
    [
      "a missing file",
      ["run", sdpa, "--input", at("no.safetensors"), "--output", out],
      `${at("no.safetensors")}: the path does not exist: `,
    ],
    ["a truncated file", ["run", sdpa, "--input", truncated, "--output", out], `${truncated}: `],
    [
      "a wrong shape",
      ["run", sdpa, "--input", misfit, "--output", out],
      `${sdpa}: k has D = 3, but q has D = 2; expected k: [Tk, D], got [1, 3]`,
    ],
    [
      "no --output",
      ["run", sdpa, "--input", plain],
      "--output is missing: where the results go, a .safetensors file or a folder",
    ],
    ["an output of another kind", ["run", sdpa, "--input", plain, "--output", at("out.txt")], `${at("out.txt")}: `],
    ["a flag without its value", ["run", sdpa, "--input", "--output", out], "Option '--input"],
    [
      "an output that is not there",
      ["check", sdpa, "--input", plain, "--actual", absent],
      `${sdpa}: there is no output out.3 for these inputs and options; the outputs are out, lse`,
    ],
    [
      "options that nothing fits",
      ["vectors", sdpa, "--output", at("vectors"), "--set", "causalAlign=middle"],
      `${sdpa}: no acceptable case in 3000 draws; the last was refused: `,
    ],
  ];
  for (const [name, args, line] of refused)
    test.concurrent(name, { timeout: 60_000 }, async ({ expect }) => {
      const { code, stdout, stderr } = await attnspec(args);
      expect(stderr.startsWith(`attnspec: ${line}`), stderr).toBe(true);
      expect(stderr).toMatch(/^attnspec: [^\n]+\n$/);
      expect([code, stdout]).toEqual([2, ""]);
    });
  test("nothing was written", () => expect(readdirSync(folder).sort()).toEqual(before));
});

describe("what is said of other misuse", () => {
  const set = (assignment: string) => () => run([sdpa, "--input", plain, "--output", out, "--set", assignment]);
  const stored = (options: string, name: string) => () =>
    run([sdpa, "--input", write(at(`${name}.safetensors`), numbers, { options }), "--output", out]);
  const cases: [name: string, call: () => Promise<number>, kind: new (...args: never) => Error, message: string][] = [
    ["a further word", () => list(["heads"]), UsageError, "list takes no further words, got heads"],
    [
      "an unknown family",
      () => list(["--family", "head"]),
      UsageError,
      "there is no family head; did you mean heads? The families are core, ",
    ],
    ["no id", () => show([]), UsageError, "show takes one id; `attnspec list` names them"],
    ["two ids", () => run([sdpa, "alibi"]), UsageError, "run takes one id"],
    [
      "an unknown backend",
      () => run([sdpa, "--backend", "gpu"]),
      UsageError,
      "there is no backend gpu; this version computes with: spec",
    ],
    [
      "an unknown precision",
      () => check([sdpa, "--dtype", "f8"]),
      UsageError,
      "--dtype must be f32, f16 or bf16, got f8",
    ],
    [
      "a precision named like a method",
      () => check([sdpa, "--dtype", "toString"]),
      UsageError,
      "--dtype must be f32, f16 or bf16, got toString",
    ],
    [
      "no input",
      () => check([sdpa]),
      UsageError,
      "--input is missing: the inputs, a .safetensors file or a folder of .npy files",
    ],
    [
      "a missing input tensor",
      () => run([sdpa, "--input", absent, "--output", out]),
      PageError,
      `${sdpa}: q is missing; expected q: [Tq, D]`,
    ],
    [
      "no output to judge",
      () => check([sdpa, "--input", golden, "--actual", write(at("inputs.safetensors"), { "in.q": [[1]] })]),
      UsageError,
      `holds no output of ${sdpa}; expected out, lse`,
    ],
    [
      "an unknown output",
      () => check([sdpa, "--input", golden, "--actual", plain]),
      UsageError,
      `${sdpa} has no output k; did you mean `,
    ],
    ["a word for a flag", set("causal=yes"), PageError, `${sdpa}: option causal must be true or false, got yes`],
    ["an empty number", set("scale="), PageError, `${sdpa}: option scale must be a number, got `],
    [
      "a word that is no choice",
      set("causalAlign=middle"),
      PageError,
      `${sdpa}: option causalAlign must be one of bottom-right, top-left, got "middle"`,
    ],
    [
      "an option named like a method",
      set("toString=1"),
      PageError,
      `${sdpa}: there is no option toString; did you mean `,
    ],
    [
      "options in metadata that are no JSON",
      stored("scale=1", "broken"),
      UsageError,
      "its metadata holds options that are no JSON object: scale=1",
    ],
    [
      "options in metadata that are null",
      stored("null", "null"),
      UsageError,
      "its metadata holds options that are no JSON object: null",
    ],
    [
      "options in metadata that are a list",
      stored("[1]", "list"),
      UsageError,
      "its metadata holds options that are no JSON object: [1]",
    ],
    [
      "an unknown option in metadata",
      stored('{"window": 3}', "window"),
      PageError,
      `${sdpa}: there is no option window; did you mean `,
    ],
    [
      "a count of none",
      () => vectors([sdpa, "--output", at("v"), "--count", "0"]),
      UsageError,
      "--count must be a whole number ≥ 1, got 0",
    ],
    [
      "a seed that is a fraction",
      () => vectors([sdpa, "--output", at("v"), "--seed", "1.5"]),
      UsageError,
      "--seed must be a whole number ≥ 0, got 1.5",
    ],
    [
      "an option out of range for vectors",
      () => vectors(["logit-softcap", "--output", at("v"), "--set", "cap=-1"]),
      NothingToDrawError,
      "option cap must be a number > 0, got -1",
    ],
  ];
  for (const [name, call, kind, message] of cases)
    test(name, async () => {
      const error: unknown = await call().then(
        () => expect.fail("was accepted"),
        (refusal: unknown) => refusal,
      );
      expect(error).toBeInstanceOf(kind);
      expect((error as Error).message).toContain(message);
    });
});
