import { aglaCalibratedDecoding as agla } from "../../../spec/score/agla-calibrated-decoding.ts";
import { cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(agla);

const ln = Math.log;
example(
  "half as likely as the best is just plausible: 4 and 2 stay, 1 goes; the sums are 4 and 8",
  agla,
  { z: [ln(4), ln(2), 0], zAug: [0, ln(4), ln(100)] },
  { p: [1 / 3, 2 / 3, 0] },
);
example(
  "β = ¼ keeps all three, and α = 0 leaves the softmax of the first",
  agla,
  { z: [ln(5), ln(3), ln(2)], zAug: [0, 7, 9] },
  { p: [0.5, 0.3, 0.2] },
  { alpha: 0, beta: 0.25 },
);
example("α = 2 counts the masked image twice", agla, { z: [0, 0], zAug: [0, ln(2)] }, { p: [0.2, 0.8] }, { alpha: 2 });
example("β = 1 keeps the tied best", agla, { z: [3, 2.75, 3], zAug: [1, 5, 1] }, { p: [0.5, 0, 0.5] }, { beta: 1 });

law("constants added to the two logits change nothing", cases(agla), ({ x: { z, zAug }, o }) => {
  same(
    agla(
      {
        z: edit(z, (v) => v + 2),
        zAug: edit(zAug, (v) => v - 7),
      },
      o,
    ).p,
    agla({ z, zAug }, o).p,
  );
});
law(
  "the same logits twice are one softmax at temperature 1/(1 + α)",
  cases(agla, { options: { beta: 1e-9 } }),
  ({ x: { z }, n, o }) => {
    const power = (c: number) => Math.exp((1 + o.alpha) * z.data[c]!);
    const total = Array.from({ length: n.C }, (_, c) => power(c)).reduce((a, b) => a + b);
    same(
      agla({ z, zAug: z }, o).p,
      tensor([n.C], (c) => power(c) / total),
    );
  },
);
