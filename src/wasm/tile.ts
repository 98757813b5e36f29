/** How the products' tiles are made: which way is fastest depends on the engine, and the results are the same bits. */
import type { Arena } from "./arena.ts";
import { KernelError } from "./error.ts";
import type { Exports } from "./exports.ts";

/** Four or six rows by eight columns; `shuffled` loads four rows at once, for engines that check every load. */
export const tiles = ["4x8", "6x8", "4x8-shuffled"] as const;
export type Tile = (typeof tiles)[number];

/** The faster ones found so far in this process, one a target. */
const found = new Map<string, Tile>();

/** Operations after which it is worth 20 ms to find out: some 30 ms of work. */
const worthwhile = 1e9;

/** Keeps count of the work done and chooses a tile once there has been enough of it; at once if one is given. */
export class TileChoice {
  readonly #exports: Exports;
  readonly #arena: Arena;
  readonly #target: string;
  #spent = 0;
  #open: boolean;
  #tile: Tile;

  constructor(exports: Exports, arena: Arena, target: string, given: Tile | undefined) {
    if (given !== undefined && !tiles.includes(given))
      throw new KernelError("load", "tile", `tile must be ${tiles.join(" or ")}, got ${given}`);
    this.#exports = exports;
    this.#arena = arena;
    this.#target = target;
    const known = given ?? found.get(target);
    this.#open = known === undefined;
    this.#tile = known ?? "4x8";
    this.#use(this.#tile);
  }

  get tile(): Tile {
    return this.#tile;
  }

  /** Takes note of so many multiplications and additions. */
  spend(operations: number): void {
    if (!this.#open) return;
    this.#spent += operations;
    if (this.#spent < worthwhile) return;
    this.#open = false;
    this.#tile = found.get(this.#target) ?? this.#fastest();
    found.set(this.#target, this.#tile);
    this.#use(this.#tile);
  }

  #use(tile: Tile): void {
    this.#exports.chooseTile(tiles.indexOf(tile));
  }

  /** Multiplies small matrices in every way, in turn, until the compilers have done their work and 20 ms have passed. */
  #fastest(): Tile {
    const [rows, columns, depth] = [60, 64, 256];
    const region = this.#arena.region();
    const [a, b, c] = [region.tensor([rows, depth]), region.tensor([depth, columns]), region.tensor([rows, columns])];
    a.data.fill(1);
    b.data.fill(1);
    const scratch = region.allocate(this.#exports.matmulScratch(columns, depth) >>> 0);
    const best = tiles.map(() => Infinity);
    const start = performance.now();
    for (let round = 0; round < 100; round++) {
      tiles.forEach((tile, i) => {
        this.#use(tile);
        const before = performance.now();
        this.#exports.matmul(
          ...([a.address, 4 * depth, b.address, 4 * columns, 0, 0, c.address, 4 * columns] as const),
          ...([rows, columns, depth, scratch] as const),
        );
        best[i] = Math.min(best[i]!, performance.now() - before);
      });
      if (performance.now() - start > 20) break;
    }
    region.release();
    // Workers' clocks stand still while they compute; their engines check every load.
    if (best.every((time) => time === 0)) return "4x8-shuffled";
    const [plain] = best;
    const fastest = best.indexOf(Math.min(...best));
    // Another tile must be clearly faster: the clock is coarse and the machine not alone.
    return best[fastest]! < 0.95 * plain! ? tiles[fastest]! : "4x8";
  }
}
