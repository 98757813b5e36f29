/** Numbers that a dispatch hands to its program, declared once: as a structure of WGSL and as what fills it. */

export type Kind = "u32" | "i32" | "f32";

export interface Params<Name extends string> {
  /** The declaration, and `params` at binding 0. */
  readonly wgsl: string;
  fill(values: Readonly<Record<Name, number>>): ArrayBuffer;
}

/** At most 64 numbers. */
export function params<const F extends Readonly<Record<string, Kind>>>(fields: F): Params<keyof F & string> {
  const all = Object.entries(fields);
  return {
    wgsl: `struct Params { ${all.map(([name, kind]) => `${name}: ${kind}`).join(", ")} }
@group(0) @binding(0) var<uniform> params: Params;`,
    fill(values) {
      const view = new DataView(new ArrayBuffer(4 * all.length));
      all.forEach(([name, kind], i) => {
        const value = values[name as keyof F & string];
        if (kind === "f32") view.setFloat32(4 * i, value, true);
        else view.setInt32(4 * i, value, true);
      });
      return view.buffer;
    },
  };
}
