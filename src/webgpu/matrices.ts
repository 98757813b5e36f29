/** What a GPU says of its matrix units, by an experimental feature of WebGPU, and how programs use them. */
import type { Parts } from "./halves/tiles.ts";

export const matrixFeature = "chromium-experimental-subgroup-matrix" as GPUFeatureName;

/** A subgroup multiplies M × K by K × N at once; here they are square. */
export interface MatrixSizes {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  /** Invocations of a subgroup. */
  readonly subgroup: number;
}

interface MatrixInfo extends GPUAdapterInfo {
  readonly subgroupMatrixConfigs?: readonly {
    readonly componentType: string;
    readonly resultComponentType: string;
    readonly M: number;
    readonly N: number;
    readonly K: number;
  }[];
}

/** The largest that are square, of float16 with sums in float32, where all subgroups are of one size. */
export function matricesOf(gpu: GPUDevice, info: GPUAdapterInfo): MatrixSizes | undefined {
  const { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs = [] } = info as MatrixInfo;
  if (!gpu.features.has(matrixFeature) || !subgroupMinSize || subgroupMinSize !== subgroupMaxSize) return undefined;
  const [best] = [...subgroupMatrixConfigs]
    .filter(({ componentType, resultComponentType }) => componentType === "f16" && resultComponentType === "f32")
    .filter(({ M, N, K }) => M === N && M === K && 16 % M === 0)
    .sort((one, two) => two.M - one.M);
  return best && { M: best.M, N: best.N, K: best.K, subgroup: subgroupMinSize };
}

/** The products of parts, small ones first: what both smaller parts would add lies below float32. */
export const products: Readonly<Record<Parts, readonly (readonly [left: number, right: number])[]>> = {
  1: [[0, 0]],
  2: [
    [1, 0],
    [0, 1],
    [0, 0],
  ],
};

/** How programs name what the feature gives. */
export const matrixBuiltins = {
  /** The places of matrices differ from subgroup to subgroup, which the language cannot see to be the same within each. */
  head: ({ M, N, K }: MatrixSizes): string => `enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);
diagnostic(off, subgroup_uniformity);
alias Left = subgroup_matrix_left<f16, ${K}, ${M}>;
alias Right = subgroup_matrix_right<f16, ${N}, ${K}>;
alias Result = subgroup_matrix_result<f32, ${N}, ${M}>;`,
  /** A matrix that stands in an array from `at` on, row by row or column by column, `apart` from one to the next. */
  load: (type: "Left" | "Right", array: string, at: string, byColumn: boolean, apart: number): string =>
    `subgroupMatrixLoad<${type}, ${byColumn ? "col_major" : "row_major"}>(&${array}, ${at}, ${apart}u)`,
  store: (array: string, at: string, matrix: string, apart: number): string =>
    `subgroupMatrixStore<row_major>(&${array}, ${at}, ${matrix}, ${apart}u);`,
  /** left · right + sum. */
  multiplied: (left: string, right: string, sum: string): string =>
    `subgroupMatrixMultiplyAccumulate(${left}, ${right}, ${sum})`,
} as const;
