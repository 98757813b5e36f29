/** The calls that engines are compared by. */

const normal = (data, seed = 1) => {
  // Any values do that neither repeat soon nor grow.
  for (let i = 0, state = seed; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    data[i] = state / 2 ** 31;
  }
};

const product = (size) => (kernels, region) => {
  const [a, b, into] = [drawn(region, size, size), drawn(region, size, size), region.tensor([size, size])];
  return () => kernels.matmul(a, b, { into });
};
const attention = (tokens, causal) => (kernels, region) => {
  const [q, k, v] = [1, 2, 3].map(() => drawn(region, 8, tokens, 64));
  const into = region.tensor([8, tokens, 64]);
  return () => kernels.attention(q, k, v, { causal, into });
};
const decode = (type) => (kernels, region) => {
  const [q, into, few] = [drawn(region, 8, 1, 128), region.tensor([8, 1, 128]), drawn(region, 8, 256, 128)];
  const cache = kernels.cache({ heads: 8, width: 128, type, region });
  for (let s = 0; s < 8192; s += 256) cache.append(few, few);
  return () => cache.attend(q, { into });
};

/** By name: what is made once, and the call that is repeated. */
export const work = {
  "arithmetic alone": ({ exports }, region) => {
    const registers = region.tensorOf({ shape: [8], data: [0.1, 0.1, 0.1, 0.1, 0.5, 0.5, 0.5, 0.5] });
    return () => exports.peak(200_000, registers.address);
  },
  "loads alone": ({ exports }, region) => {
    const memory = region.tensor([2 ** 24]);
    memory.data.fill(1);
    return () => exports.sweep(memory.address, 2 ** 26);
  },
  "matmul 256": product(256),
  "matmul 512": product(512),
  "matmul 1024": product(1024),
  "attention 1024": attention(1024, false),
  "attention 1024 causal": attention(1024, true),
  "attention 4096": attention(4096, false),
  "attention 4096 causal": attention(4096, true),
  "decode float32": decode("float32"),
  "decode float16": decode("float16"),
  "decode int8": decode("int8"),
};

function drawn(region, ...shape) {
  const t = region.tensor(shape);
  normal(t.data, shape.length + t.data.length);
  return t;
}

/**
 * Answers requests `/NAME/TIMES` by calling it so often. Whoever asks takes the time: clocks of workers stand still
 * while they compute.
 */
export function answering(kernels) {
  let open;
  return (path) => {
    const [, name, times] = decodeURIComponent(path).split("/");
    if (open?.name !== name) {
      open?.region.release();
      const region = kernels.region();
      open = { name, region, call: work[name](kernels, region) };
    }
    for (let i = 0; i < Number(times); i++) open.call();
    return JSON.stringify({ target: kernels.target, tile: kernels.tile });
  };
}
