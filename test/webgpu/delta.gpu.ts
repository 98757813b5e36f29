import { expect, test } from "vitest";
import { conforms } from "../../src/oracle.ts";
import { deltaRules } from "../../src/pages/delta.ts";
import { hosted } from "../../src/webgpu/hosted.ts";
import { everyDelta, everyDeltaKernel } from "../wasm/every-delta.ts";
import { conformance } from "./conformance.ts";
import { devices } from "./gpus.ts";

conformance(deltaRules, {
  "several chunks": {
    "linear/gated-deltanet": { sizes: { T: 150, D: 12, E: 67 } },
    "linear/kimi-delta-attention": { sizes: { T: 139, D: 39, E: 8 } },
    "linear/rwkv7-time-mixing": { sizes: { T: 70, D: 9, E: 5 } },
  },
});

test.each(devices.slice(1))("all options at once: $name", async ({ gpu }) => {
  const kernel = everyDeltaKernel(hosted(gpu));
  for (const fixed of [undefined, { sizes: { Hk: 1, H: 2, T: 45, D: 6, E: 9 }, options: { R: 2, wideBeta: false } }]) {
    const verdict = await conforms(everyDelta, kernel, {
      cases: fixed ? 4 : 16,
      seed: 21,
      ...(fixed ? { fixed } : {}),
    });
    expect(verdict.conforms, String(verdict)).toBe(true);
  }
});
