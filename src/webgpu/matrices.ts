/** What a GPU says of its matrix units, by an experimental feature of WebGPU. */

export const matrixFeature = "chromium-experimental-subgroup-matrix" as GPUFeatureName;

/** A subgroup multiplies M × K by K × N at once. */
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
    .filter(({ M, N, K }) => M === N && 32 % M === 0 && 32 % K === 0)
    .sort((one, two) => two.M - one.M);
  return best && { M: best.M, N: best.N, K: best.K, subgroup: subgroupMinSize };
}
