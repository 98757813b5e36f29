/** The parts of the comparison with rivals that need none of them. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fromBuffers } from "../../../src/models/sources/buffers.ts";
import { fromFolder, loadModel, quantise } from "../../../src/models.ts";
import { shaped } from "../shapes.ts";
import { contests } from "./contests.ts";
import { writeGguf } from "./gguf.ts";
import { promptOf } from "./pages/contest.ts";
import { agreement, agrees, rates, tableOf } from "./report.ts";

test.each(["Q8_0", "Q4_0"] as const)("a GGUF file of %s is the checkpoint, quantised", async (body) => {
  const source = shaped("SmolLM2-135M", { num_hidden_layers: 1, vocab_size: 4096 });
  const folder = await mkdtemp(join(tmpdir(), "attnspec-gguf-"));
  try {
    await writeGguf(source, join(folder, "model.gguf"), body, body);
    const config = (await source.open("config.json"))!;
    const same = fromBuffers({
      "config.json": await config.read(0, config.size),
      "model.safetensors": await quantise(source, { encoding: body }),
    });
    const written = await loadModel(fromFolder(folder), { gguf: "model.gguf" });
    const wanted = await loadModel(same);
    const logits = [written, wanted].map((model) => [...model.forward([{ tokens: promptOf(20) }]).logits[0]!]);
    expect(logits[0]).toEqual(logits[1]);
    // The prompt of those who read text is the same tokens.
    const { encode } = await written.tokenizer();
    expect(encode(String.fromCharCode(...promptOf(20)))).toEqual(promptOf(20));
    written.dispose();
    wanted.dispose();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("what contenders give is compared", () => {
  expect(agreement([1, 2, 3, 4], [4, 3, 9, 8])).toBe(0.5);
  expect(
    agreement(
      [
        [1, 0],
        [0, 2],
      ],
      [
        [2, 0],
        [3, 4],
      ],
    ),
  ).toBeCloseTo(0.8);
  expect(agreement([1], [[1]])).toBe(0);
  expect([agrees([1], 0.3), agrees([1], 0.2), agrees([[1]], 0.9)]).toEqual([true, false, false]);
});

test("rates are those of the busiest thread, ratios those of each round", () => {
  const result = (thread: number) => ({ figures: { decode: { units: 10, took: { wall: 99, thread } } } });
  expect(rates(result(500))).toEqual({ decode: 20 });
  const contender = (name: string, times: readonly number[]) => ({
    ...{ name, agreement: 1 },
    rounds: times.map((time) => rates(result(time))),
  });
  const { rows, note } = tableOf([
    {
      ...{ about: "a model", engine: "Chromium", processor: "x", prompt: 512, written: 10 },
      contenders: [contender("attnspec", [100, 200, 100]), contender("other", [200, 300, 800])],
    },
  ]);
  expect(rows).toEqual([["a model", "writing", "other", "100", "33.3", "2.00 (1.50–8.00)"]]);
  expect(note).toContain("a prompt of 512 tokens, 10 tokens written; sentences as count × tokens. Medians of 3 rounds");
});

test("the documentation shows contests that there are, ours first", () => {
  const path = join(import.meta.dirname, "../../../docs/data/rivals.json");
  const shown = JSON.parse(readFileSync(path, "utf8")) as {
    contests: Record<string, { about: string; contenders: { name: string }[] }>;
  };
  for (const [name, { about, contenders }] of Object.entries(shown.contests)) {
    expect(about).toBe(contests[name]?.about);
    expect(contenders[0]!.name).toBe("attnspec");
  }
  expect(Object.keys(shown.contests).length).toBeGreaterThan(0);
});
