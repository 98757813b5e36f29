import { struct } from "./struct.ts";

/** The description of a selective scan. */
export const scanJob = struct("ssm/scan-job.ts", {
  u: "u32",
  delta: "u32",
  bias: "u32",
  a: "u32",
  b: "u32",
  c: "u32",
  d: "u32",
  z: "u32",
  state: "u32",
  last: "u32",
  out: "u32",
  scratch: "u32",
  tokens: "i32",
  channels: "i32",
  states: "i32",
  softplus: "i32",
});

/** The description of a call of state-space duality. */
export const ssdJob = struct("ssm/ssd-job.ts", {
  u: "u32",
  delta: "u32",
  bias: "u32",
  a: "u32",
  b: "u32",
  c: "u32",
  d: "u32",
  state: "u32",
  last: "u32",
  out: "u32",
  scratch: "u32",
  tokens: "i32",
  heads: "i32",
  groups: "i32",
  width: "i32",
  states: "i32",
  softplus: "i32",
});

/** The description of a diagonal system. */
export const diagonalJob = struct("ssm/diagonal-job.ts", {
  state: "u32",
  stateIm: "u32",
  keep: "u32",
  keepIm: "u32",
  write: "u32",
  read: "u32",
  readIm: "u32",
  u: "u32",
  d: "u32",
  out: "u32",
  last: "u32",
  lastIm: "u32",
  scratch: "u32",
  tokens: "i32",
  channels: "i32",
  states: "i32",
  complex: "i32",
});
