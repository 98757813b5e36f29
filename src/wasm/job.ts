/** The description of an attention call as `assembly/attention/job.ts` reads it: 4 bytes a field, in that order. */
export const jobFields = {
  q: "u32",
  k: "u32",
  v: "u32",
  out: "u32",
  lse: "u32",
  mask: "u32",
  bias: "u32",
  sinks: "u32",
  slopes: "u32",
  scratch: "u32",
  heads: "i32",
  keyHeads: "i32",
  queries: "i32",
  keys: "i32",
  width: "i32",
  valueWidth: "i32",
  qHead: "i32",
  qRow: "i32",
  kHead: "i32",
  kRow: "i32",
  vHead: "i32",
  vRow: "i32",
  outHead: "i32",
  outRow: "i32",
  maskHead: "i32",
  maskRow: "i32",
  maskKey: "i32",
  biasHead: "i32",
  biasRow: "i32",
  biasKey: "i32",
  offset: "i32",
  left: "i32",
  right: "i32",
  scale: "f32",
  cap: "f32",
} as const;

export type Job = { readonly [K in keyof typeof jobFields]: number };

export const jobBytes = 4 * Object.keys(jobFields).length;

/** Writes a job to memory. */
export function writeJob(memory: WebAssembly.Memory, address: number, job: Job): void {
  const view = new DataView(memory.buffer, address, jobBytes);
  Object.entries(jobFields).forEach(([name, type], i) => {
    const value = job[name as keyof Job];
    if (type === "f32") view.setFloat32(4 * i, value, true);
    else view.setInt32(4 * i, value, true);
  });
}
