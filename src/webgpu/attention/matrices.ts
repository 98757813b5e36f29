/** Attention by a GPU's matrix units. */
import type { Sizes } from "../../wasm/attention/sizes.ts";
import type { GpuCall } from "../call.ts";
import type { Binding, Device } from "../device.ts";
import { halve, place, type Sized, type Strided } from "../halves/halve.ts";
import { type Halved, upTo } from "../halves/tiles.ts";
import type { Multiplying } from "../precision.ts";
import type { GpuTensor } from "../tensor.ts";
import type { AttentionTuning } from "./attention.ts";
import {
  attentionMatricesParams,
  attentionMatricesProgram,
  type MatricesShape,
  matricesInvocations,
  matricesKeys,
  matricesQueries,
  matricesShared,
  matricesValues,
} from "./matrices-program.ts";
import type { AttentionFeatures, attentionFields } from "./steps.ts";

type Units = NonNullable<Multiplying["units"]>;

export interface MatricesPlan extends Units {
  readonly shape: MatricesShape;
  readonly splits: number;
}

/** Workgroups that keep a large device busy. */
const enough = 200;
/** Tiles of values that a workgroup has side by side, at most: more do not fit its registers. */
const mostValues = 8;

/** Queries, keys and values as tiles. */
function tiled({ sizes, shape }: Pick<MatricesPlan, "sizes" | "shape">, of: Sizes): readonly [Sized, Sized, Sized] {
  const { batch: entries, heads, keyHeads, queries, keys, width, valueWidth } = of;
  const key = { entries, heads: keyHeads, rows: keys, rowsTo: matricesKeys(shape, sizes) };
  const narrow = { columns: width, columnsTo: shape.features * sizes.M, byColumn: false };
  return [
    { entries, heads, rows: queries, rowsTo: matricesQueries(shape, sizes), ...narrow },
    { ...key, ...narrow },
    { ...key, columns: valueWidth, columnsTo: matricesValues(shape, sizes), byColumn: true },
  ];
}

/** How a call is divided, if its sizes suit matrix units. */
export function matricesFor(
  device: Device,
  of: Sizes,
  { sizes, parts }: Units,
  tuning: AttentionTuning,
): MatricesPlan | undefined {
  const { queries, keys, width, heads, batch, valueWidth } = of;
  const { limits } = device.gpu;
  const parted = { down: 4, across: 2, tall: 1, wide: 2, ...tuning.matrices };
  // As many invocations share a row as leaves none without one.
  const lanes = Math.max(4, (parted.across * sizes.subgroup) / (parted.tall * sizes.M));
  const base = { lanes, ...parted };
  const values = Math.ceil(valueWidth / (base.across * sizes.M));
  const atOnce = [4, 2, 1];
  const wholes = { ...base, values, features: 1, keysAtOnce: 1, ...tuning.matrices };
  const room = (shape: MatricesShape) => matricesShared(shape, sizes, parts) <= limits.maxComputeWorkgroupStorageSize;
  // Longer tiles of keys pay, but not those that are filled up with zeros.
  const tiles = Math.ceil(width / sizes.M);
  const features =
    tuning.matrices?.features ??
    atOnce.find((count) => upTo(tiles, count) <= 1.25 * tiles && room({ ...wholes, features: count })) ??
    1;
  const keysAtOnce =
    tuning.matrices?.keysAtOnce ??
    atOnce.find(
      (count) => (base.across * base.wide) % count === 0 && room({ ...wholes, features, keysAtOnce: count }),
    ) ??
    1;
  const shape = { ...wholes, features, keysAtOnce };
  const fits =
    shape.across * shape.values <= mostValues &&
    matricesInvocations(shape, sizes) <= limits.maxComputeInvocationsPerWorkgroup &&
    matricesShared(shape, sizes, parts) <= limits.maxComputeWorkgroupStorageSize &&
    matricesQueries(shape, sizes) % (matricesInvocations(shape, sizes) / shape.lanes) === 0 &&
    // A row of tiles of a head is a workgroup where tiles are written.
    Math.max(batch * heads, Math.ceil(Math.max(queries, keys) / sizes.M)) <= limits.maxComputeWorkgroupsPerDimension &&
    place({ edge: sizes.M, parts }, tiled({ sizes, shape }, of)).bytes <= limits.maxStorageBufferBindingSize;
  if (!fits || width === 0 || valueWidth === 0 || queries < sizes.M || keys < sizes.M) return undefined;
  const groups = Math.ceil(queries / matricesQueries(shape, sizes)) * heads * batch;
  const useful = Math.floor(keys / (4 * matricesKeys(shape, sizes)));
  const splits = groups >= enough ? 1 : Math.max(1, Math.min(Math.ceil((2 * enough) / groups), useful));
  return { sizes, parts, shape, splits: tuning.splits ?? splits };
}

/** What a call has found out. */
export interface Attending {
  readonly of: Sizes;
  readonly features: AttentionFeatures;
  readonly fields: Readonly<
    Record<Exclude<keyof typeof attentionFields, "out" | "lse" | "bias" | "mask" | "firstHead">, number>
  >;
  /** The small things, a bias and a mask. */
  readonly others: readonly Binding[];
  readonly q: Strided;
  readonly k: Strided;
  readonly v: Strided;
  readonly out: GpuTensor;
  readonly lse: GpuTensor;
}

export function attendInMatrices(device: Device, call: GpuCall, plan: MatricesPlan, attending: Attending): void {
  const { of, features, fields, others, out, lse } = attending;
  const { sizes, parts, shape, splits } = plan;
  const [queries, keys, values] = tiled(plan, of);
  const { tiles, scales, halved } = halve(device, call, { edge: sizes.M, parts }, [
    { ...attending.q, ...queries },
    { ...attending.k, ...keys },
    { ...attending.v, ...values },
  ]);
  const [q, k, v] = halved as [Halved, Halved, Halved];
  const program = { ...shape, ...features, sizes, parts };
  device.run({
    key: `attention in matrices ${JSON.stringify(program)}`,
    code: () => attentionMatricesProgram(program),
    params: attentionMatricesParams.fill({
      ...fields,
      ...{ out: 0, lse: 0, bias: 0, mask: 0, firstHead: 0, heads: of.heads },
      ...{ q: q.first, qHead: q.apart, qAcross: q.across, k: k.first, kHead: k.apart, v: v.first, vHead: v.apart },
      ...{ qScales: q.scales, qScalesHead: q.scalesApart, kScales: k.scales, kScalesHead: k.scalesApart },
      ...{ vScales: v.scales, vScalesHead: v.scalesApart },
    }),
    bindings: [
      { buffer: tiles.buffer },
      { buffer: scales.buffer },
      { buffer: out.buffer, written: true },
      { buffer: lse.buffer, written: true },
      ...others,
      { buffer: tiles.buffer },
    ],
    workgroups: [of.heads, q.rows / matricesQueries(shape, sizes), of.batch * splits],
  });
}
