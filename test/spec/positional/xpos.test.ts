import { rotaryPositionEmbedding as rope } from "../../../spec/positional/rotary-position-embedding.ts";
import { xpos } from "../../../spec/positional/xpos.ts";
import { cases, edit, example, law, same, specify, tensor } from "../../kit.ts";

specify(xpos);

const root = Math.SQRT2;
const turn = 2 * Math.PI;
example(
  "a full turn away at D = 2, where ζ = 2⁄7, with B as long: 7 · √2 · 2⁄7 / √2; nothing for the key in the future",
  xpos,
  {
    q: [
      [1, 0],
      [7, 0],
    ],
    k: [
      [root, 0],
      [1, 0],
    ],
    positions: [0, turn],
  },
  {
    scores: [
      [1, 0],
      [2, 7 / root],
    ],
  },
  { scaleBase: turn },
);
example(
  "pair 1 of 2 turns by p/100 and has ζ = 9⁄14: a full turn away, 14 · 9⁄14 / 2",
  xpos,
  {
    q: [
      [0, 0, 0, 0],
      [0, 0, 14, 0],
    ],
    k: [
      [0, 0, 1, 0],
      [0, 0, 0, 0],
    ],
    positions: [0, 100 * turn],
  },
  {
    scores: [
      [0, 0],
      [4.5, 0],
    ],
  },
  { scaleBase: 100 * turn },
);
example(
  "the distance of one ζ is 512 unless given, and the centre of three tokens is 2",
  xpos,
  {
    q: [
      [1, 0],
      [1, 0],
      [7, 0],
    ],
    k: [
      [1, 0],
      [1, 0],
      [1, 0],
    ],
    positions: [2, 2, 514],
  },
  {
    qRot: [
      [Math.cos(2), Math.sin(2)],
      [Math.cos(2), Math.sin(2)],
      [2 * Math.cos(514), 2 * Math.sin(514)],
    ],
    kRot: [
      [Math.cos(2), Math.sin(2)],
      [Math.cos(2), Math.sin(2)],
      [3.5 * Math.cos(514), 3.5 * Math.sin(514)],
    ],
  },
);

law("scores depend neither on the centre nor on a common shift of the positions", cases(xpos), ({ x, o }) => {
  const { scores } = xpos(x, o);
  same(xpos(x, { ...o, center: o.center + 2.5 }).scores, scores);
  same(xpos({ ...x, positions: edit(x.positions, (p) => p + 4) }, o).scores, scores);
});
law("the centre is half the buffer length, rounded up", cases(xpos), ({ x, o }) => {
  same(xpos(x, { ...o, center: null }).qRot, xpos(x, { ...o, center: Math.ceil(o.nMax / 2) }).qRot);
});
law("queries and keys are turned as by RoPE, and without end to B are only turned", cases(xpos), ({ x, n, o }) => {
  const turned = (t: typeof x.q) => rope({ x: t, positions: x.positions }, { layout: "interleaved" }).out;
  const { qRot, kRot } = xpos(x, o);
  const product = (a: typeof x.q, b: typeof x.q) => tensor([n.T * n.D], (i) => a.data[i]! * b.data[i]!);
  same(product(qRot, kRot), product(turned(x.q), turned(x.k)));
  const plain = xpos(x, { ...o, scaleBase: Number.POSITIVE_INFINITY });
  same(plain.qRot, turned(x.q));
  same(plain.kRot, turned(x.k));
});
