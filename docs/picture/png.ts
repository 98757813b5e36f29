/** A grid as a small PNG: one pixel a value, colours from a palette. */
import { deflateSync } from "node:zlib";
import { palette, type Theme } from "./colour.ts";
import { type Grid, places } from "./figure.ts";

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});
function checksum(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = table[(sum ^ byte) & 255]! ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}
function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(checksum(body), body.length + 4);
  return out;
}

/** The bytes of the picture in the colours of a theme. */
export function png(grid: Grid, theme: Theme): Buffer {
  const { ramp, at } = places(grid);
  const steps = at.map((v) => Math.round(Math.min(1, Math.max(0, v)) * 255));
  const used = [...new Set(steps)].sort((a, b) => a - b);
  const colours = palette(theme, ramp);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(grid.columns, 0);
  header.writeUInt32BE(grid.rows, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const rows = Buffer.concat(
    Array.from({ length: grid.rows }, (_, r) =>
      Buffer.from([0, ...steps.slice(r * grid.columns, (r + 1) * grid.columns).map((step) => used.indexOf(step))]),
    ),
  );
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", header),
    chunk("PLTE", Buffer.from(used.flatMap((step) => [...colours[step]!]))),
    chunk("IDAT", deflateSync(rows, { level: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
