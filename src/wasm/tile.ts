/** How the products' tiles are made: which way is fastest depends on the engine, and the results are the same bits. */
import type { Arena } from "./arena.ts";
import { step, timed } from "./clock.ts";
import { KernelError } from "./error.ts";
import type { Exports } from "./exports.ts";

/** Four or six rows by eight columns; `shuffled` loads four rows at once, for engines that check every load. */
export const tiles = ["4x8", "6x8", "4x8-shuffled"] as const;
export type Tile = (typeof tiles)[number];

/** The faster ones found so far in this process, one a target. */
const found = new Map<string, Tile>();

/**
 * Operations after which each part of the measurement takes place: after some 30 ms of work, and again after twice as
 * much. What a compiler that works beside us, if there is a core for it, has not made ready for one part is ready for a
 * later one.
 */
const parts = [1e9, 2e9, 4e9, 8e9] as const;
/** Milliseconds of each. */
const lasting = 5;

/** Keeps count of the work done and chooses a tile while there is more and more of it; at once if one is given. */
export class TileChoice {
  readonly #exports: Exports;
  readonly #arena: Arena;
  readonly #target: string;
  #spent = 0;
  /** Parts of the measurement that are over. */
  #measured = 0;
  /** The least time that each has taken. */
  readonly #best = tiles.map(() => Infinity);
  #tile: Tile;

  constructor(exports: Exports, arena: Arena, target: string, given: Tile | undefined) {
    if (given !== undefined && !tiles.includes(given))
      throw new KernelError("load", "tile", `tile must be ${tiles.join(" or ")}, got ${given}`);
    this.#exports = exports;
    this.#arena = arena;
    this.#target = target;
    const known = given ?? found.get(target);
    if (known !== undefined) this.#measured = parts.length;
    this.#tile = known ?? "4x8";
    this.#use(this.#tile);
  }

  get tile(): Tile {
    return this.#tile;
  }

  /** Takes note of so many multiplications and additions. */
  spend(operations: number): void {
    if (this.#measured === parts.length) return;
    this.#spent += operations;
    if (this.#spent < parts[this.#measured]!) return;
    const known = found.get(this.#target);
    // Calls far larger than a part are followed by one part each.
    this.#measured = known === undefined ? this.#measured + 1 : parts.length;
    this.#tile = known ?? this.#measure();
    if (this.#measured === parts.length) found.set(this.#target, this.#tile);
    this.#use(this.#tile);
  }

  #use(tile: Tile): void {
    this.#exports.chooseTile(tiles.indexOf(tile));
  }

  #measure(): Tile {
    const tick = step();
    if (tick !== undefined) return this.#fastest(tick);
    // Clocks of Workers stand still while they compute; their engines check every load.
    this.#measured = parts.length;
    return "4x8-shuffled";
  }

  /** Multiplies small matrices in every way, in turn, and says which has been the fastest so far. */
  #fastest(tick: number): Tile {
    const [rows, columns, depth] = [60, 64, 256];
    const region = this.#arena.region();
    const [a, b, c] = [region.tensor([rows, depth]), region.tensor([depth, columns]), region.tensor([rows, columns])];
    a.data.fill(1);
    b.data.fill(1);
    const scratch = region.allocate(this.#exports.matmulScratch(columns, depth) >>> 0);
    const product = () =>
      this.#exports.matmul(
        ...([a.address, 4 * depth, b.address, 4 * columns, 0, 0, c.address, 4 * columns] as const),
        ...([rows, columns, depth, scratch] as const),
      );
    const best = this.#best;
    for (const end = performance.now() + lasting; ; ) {
      tiles.forEach((tile, i) => {
        this.#use(tile);
        best[i] = Math.min(best[i]!, timed(product, tick));
      });
      if (performance.now() >= end) break;
    }
    region.release();
    const [plain] = best;
    const fastest = best.indexOf(Math.min(...best));
    // Another tile must be faster by more than the times differ by themselves.
    return best[fastest]! < 0.98 * plain! ? tiles[fastest]! : "4x8";
  }
}
