import { rwkv4ChannelMixing as channelMixing } from "../../../spec/linear/rwkv-4-channel-mixing.ts";
import { at, cases, edit, example, join, law, same, span, specify, tensor } from "../../kit.ts";

specify(channelMixing);

example(
  "the token before is mixed in; a positive key is squared, a negative one is none; a gate of ¾",
  channelMixing,
  {
    x: [
      [4, 0],
      [0, 2],
    ],
    muK: [0.5, 1],
    muR: [1, 0.5],
    wK: [
      [1, -1],
      [0, 0],
    ],
    wV: [[2], [100]],
    wR: [[0], [Math.log(3)]],
    last: [8, 2],
  },
  { out: [[2 * 36 * 0.75], [2 * 4 * 0.75]], last: [0, 2] },
);
example(
  "before the first token there are zeros",
  channelMixing,
  { x: [[2]], muK: [0.5], muR: [0], wK: [[1]], wV: [[1]], wR: [[5]] },
  { out: [[0.5]], last: [2] },
);

law("twice the keys is four times the result, for keys are squared", cases(channelMixing), ({ x }) =>
  same(
    channelMixing({ ...x, wK: edit(x.wK, (w) => 2 * w) }).out,
    edit(channelMixing(x).out, (value) => 4 * value),
  ),
);
law("without mixing, tokens are on their own", cases(channelMixing), ({ x, n }) => {
  const alone = { ...x, muK: edit(x.muK, () => 1), muR: edit(x.muR, () => 1) };
  const parts = Array.from({ length: n.T }, (_, t) => channelMixing({ ...alone, x: span(x.x, 0, t, t + 1) }).out);
  same(channelMixing(alone).out, join(0, ...parts));
});
law("hidden features add up", cases(channelMixing, { sizes: { F: 2 } }), ({ x, n }) => {
  const part = (f: number) => channelMixing({ ...x, wK: span(x.wK, 1, f, f + 1), wV: span(x.wV, 0, f, f + 1) }).out;
  const [first, second] = [part(0), part(1)];
  same(
    channelMixing(x).out,
    tensor([n.T, n.Mo], (t, m) => at(first, t, m) + at(second, t, m)),
  );
});
