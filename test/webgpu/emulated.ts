/**
 * Matrix units and float16 for a GPU that has none, so that programs for them run anywhere, slowly: each invocation of a
 * subgroup multiplies whole matrices, and float16 is rounded float32, or lies in words two by two.
 */
import { create, globals } from "webgpu";
import { matrixFeature } from "../../src/webgpu/matrices.ts";
import { type Gpu, open } from "../../src/webgpu.ts";

const edge = 8;
Object.assign(globalThis, globals);
const instance = create([]);

/** A program without subgroup matrices and float16. */
function rewritten(code: string): string {
  if (!code.includes("enable f16")) return code;
  const matrices = new Set([...code.matchAll(/alias (\w+) = subgroup_matrix/g)].map(([, name]) => name!));
  const stored = new Set([...code.matchAll(/var<storage, read> (\w+): array<f16>/g)].map(([, name]) => name!));
  // Not known when it is compiled, so that loops stay loops.
  const side = `(${edge}u + (params.${/struct Params \{ (\w+)/.exec(code)![1]} >> 31u))`;
  const each = (body: string) =>
    `let side = ${side};\n  for (var r = 0u; r < side; r++) { for (var c = 0u; c < side; c++) {\n${body}\n  } }`;
  const place = (byColumn: boolean) => `let place = at + ${byColumn ? "c * apart + r" : "r * apart + c"};`;
  const functions = new Map<string, string>();
  const loading = (type: string, byColumn: boolean, array: string) => {
    const name = `load${type}_${byColumn}_${array}`;
    const one = stored.has(array) ? `unpack2x16float(${array}[place / 2u])[place % 2u]` : `${array}[place]`;
    functions.set(
      name,
      `fn ${name}(at: u32, apart: u32) -> ${type} {
  var all: ${type};
  ${each(`${place(byColumn)} all[r * ${edge}u + c] = ${one};`)}
  return all;
}`,
    );
    return `${name}(`;
  };
  const storing = (array: string) => {
    functions.set(
      `store_${array}`,
      `fn store_${array}(at: u32, all: Result, apart: u32) {
  ${each(`${place(false)} ${array}[place] = all[r * ${edge}u + c];`)}
}`,
    );
    return `store_${array}(`;
  };
  if (matrices.size)
    functions.set(
      "multiplied",
      `fn multiplied(left: Left, right: Right, sum: Result) -> Result {
  var all = sum;
  ${each(`var one = 0.0;
for (var k = 0u; k < side; k++) { one += left[r * ${edge}u + k] * right[k * ${edge}u + c]; }
all[r * ${edge}u + c] += one;`)}
  return all;
}`,
    );
  const plain = code
    .replace(/enable (f16|chromium_experimental_subgroup_matrix);\n/g, "")
    .replace(/diagnostic\(off, chromium[^\n]*\n/, "")
    .replace(/subgroup_matrix_\w+<[^>]*>/g, `array<f32, ${edge * edge}>`)
    .replace(/subgroupMatrixLoad<(\w+), (\w+)>\(&(\w+), /g, (_, ...[type, order, array]: string[]) =>
      loading(type!, order === "col_major", array!),
    )
    .replace(/subgroupMatrixStore<row_major>\(&(\w+), /g, (_, array: string) => storing(array))
    .replace(/subgroupMatrixMultiplyAccumulate\(/g, "multiplied(")
    .replace(/(var<storage, read> \w+: )array<f16>/g, "$1array<u32>")
    .replace(/array<f16, /g, "array<f32, ")
    .replace(/bitcast<vec2h>\(/g, "unpack2x16float(")
    .replace(/bitcast<vec2u>\(vec4h\(/g, "packed((")
    .replace(/\bf16\(/g, "quantizeToF16(");
  return `${plain}
fn packed(x: vec4f) -> vec2u { return vec2u(pack2x16float(x.xy), pack2x16float(x.zw)); }
${[...functions.values()].join("\n")}
`;
}

/** A GPU whose matrix units and float16 are made up, where subgroups are of one size, and the programs it was given. */
export async function emulated(): Promise<{ readonly gpu: Gpu; readonly programs: readonly string[] }> {
  const programs: string[] = [];
  const adapter = (await instance.requestAdapter())!;
  // Float16 in float32 takes twice the memory.
  const { maxComputeWorkgroupStorageSize } = adapter.limits;
  const device = await adapter.requestDevice({
    requiredFeatures: ["subgroups"],
    requiredLimits: { maxComputeWorkgroupStorageSize },
  });
  const { subgroupMinSize, subgroupMaxSize } = adapter.info;
  const config = { componentType: "f16", resultComponentType: "f32", M: edge, N: edge, K: edge };
  const made: Record<PropertyKey, unknown> = {
    features: new Set([...device.features, "shader-f16", matrixFeature]),
    adapterInfo: { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs: [config] },
    createShaderModule: ({ code, ...rest }: GPUShaderModuleDescriptor) => {
      programs.push(rest.label ?? "");
      return device.createShaderModule({ ...rest, code: rewritten(code) });
    },
  };
  const proxy = new Proxy(device, {
    get(target, name) {
      if (Object.hasOwn(made, name)) return made[name];
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { gpu: await open({ device: proxy }), programs };
}
