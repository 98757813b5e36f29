/**
 * Matrices as the matrix units of a GPU take them. Each number is a sum of one or two of float16, of which the second is
 * what rounding to the first left: 11 or 22 bits, and a sign between them. Rows, or columns, are multiplied by powers of two
 * before, so that the largest number of each lies just below 2^15: then all that are larger than a 2^18th of it keep
 * those bits.
 */
/** How many numbers of float16 stand for one. */
export type Parts = 1 | 2;

/** Square tiles, row by row: first the larger parts of all numbers of a tile, then the smaller ones. */
export interface Tiles {
  /** Rows and columns of a tile. */
  readonly edge: number;
  readonly parts: Parts;
}

/** Numbers of float16 that stand for one tile. */
export const tileSize = ({ edge, parts }: Tiles): number => edge * edge * parts;

/** Several matrices of one size, one after the other, in a buffer that may hold others too. */
export interface Halved {
  readonly rows: number;
  readonly columns: number;
  /** Tiles from one row of tiles to the next. */
  readonly across: number;
  /** Where the first tile begins, and how far it is from one matrix to the next, in numbers of float16. */
  readonly first: number;
  readonly apart: number;
  /** Where what a row or column is to be multiplied by to be as it was stands, and how far it is to the next matrix's. */
  readonly scales: number;
  readonly scalesApart: number;
}

/** Rounded up to a multiple. */
export const upTo = (count: number, multiple: number): number => Math.ceil(count / multiple) * multiple;

/**
 * A number rounded to the bits of float16, as float32. By its bits, since compilers of shaders may take a number that is
 * converted there and back for the number itself.
 */
export const upperPart = (vector: boolean): string => {
  const [float, whole] = vector ? ["vec4f", "vec4u"] : ["f32", "u32"];
  const all = (bits: string) => (vector ? `vec4u(${bits})` : bits);
  return `fn upperPart(x: ${float}) -> ${float} {
  return bitcast<${float}>((bitcast<${whole}>(x) + ${all("0x1000u")}) & ${all("0xffffe000u")});
}`;
};
