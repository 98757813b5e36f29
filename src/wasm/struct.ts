/** Descriptions that kernels read from memory: 4 bytes a field, in the order of a class in `assembly/`. */

type Kind = "u32" | "i32" | "f32";

/** Some of the fields. Joining objects costs more than a small kernel: what is the same for many calls is a part. */
type Fields<Name extends string> = Readonly<Partial<Record<Name, number>>>;
type Named<Part> = Part extends unknown ? keyof Part : never;

export interface Struct<Name extends string> {
  /** The file that declares the class, from `assembly/`; a test compares the two. */
  readonly source: string;
  readonly fields: Readonly<Record<Name, Kind>>;
  readonly bytes: number;
  write(memory: WebAssembly.Memory, address: number, values: Readonly<Record<Name, number>>): void;
  /** Writes all fields, each of which is in one of the parts, or in several of which the last counts. */
  writeParts<Parts extends readonly Fields<Name>[]>(
    memory: WebAssembly.Memory,
    address: number,
    ...parts: Name extends Named<Parts[number]> ? Parts : never
  ): void;
  /** Writes one field of a description that stands there. */
  set(memory: WebAssembly.Memory, address: number, name: Name, value: number): void;
  read(memory: WebAssembly.Memory, address: number): Record<Name, number>;
  /** Where a field begins, in bytes. */
  at(name: Name): number;
}

/** All that were declared, for that test. */
export const structs: Struct<string>[] = [];

/** Declares a description: addresses are `u32`. */
export function struct<const F extends Readonly<Record<string, Kind>>>(
  source: string,
  fields: F,
): Struct<keyof F & string> {
  const all = Object.entries(fields);
  const places = Object.fromEntries(all.map(([name, kind], i) => [name, [4 * i, kind]] as const));
  function write(memory: WebAssembly.Memory, address: number, parts: readonly Fields<keyof F & string>[]): void {
    const view = new DataView(memory.buffer, address, 4 * all.length);
    for (const part of parts)
      for (const name in part) {
        const [at, kind] = places[name]!;
        if (kind === "f32") view.setFloat32(at, part[name]!, true);
        else view.setInt32(at, part[name]!, true);
      }
  }
  const declared: Struct<keyof F & string> = {
    source,
    fields,
    bytes: 4 * all.length,
    write: (memory, address, values) => write(memory, address, [values]),
    set: (memory, address, name, value) => write(memory, address, [{ [name]: value } as Fields<keyof F & string>]),
    writeParts: (memory, address, ...parts) => write(memory, address, parts),
    read(memory, address) {
      const view = new DataView(memory.buffer, address, 4 * all.length);
      const values = all.map(([name, kind], i) => {
        if (kind === "f32") return [name, view.getFloat32(4 * i, true)];
        return [name, kind === "u32" ? view.getUint32(4 * i, true) : view.getInt32(4 * i, true)];
      });
      return Object.fromEntries(values) as Record<keyof F & string, number>;
    },
    at: (name) => 4 * all.findIndex(([field]) => field === name),
  };
  structs.push(declared as Struct<string>);
  return declared;
}
