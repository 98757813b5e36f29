/** All contests, by the name of their file. */
import type { Contests } from "./contest.ts";
import { attention } from "./contests/attention.ts";
import { decode } from "./contests/decode.ts";
import { delta } from "./contests/delta.ts";
import { linear } from "./contests/linear.ts";
import { matmul } from "./contests/matmul.ts";
import { rows } from "./contests/rows.ts";
import { states } from "./contests/states.ts";
import { threads } from "./contests/threads.ts";
import { weights } from "./contests/weights.ts";

export const contests = {
  matmul,
  attention,
  decode,
  delta,
  linear,
  rows,
  states,
  threads,
  weights,
} satisfies Readonly<Record<string, Contests>>;
