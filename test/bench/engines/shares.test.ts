import { expect, test } from "vitest";
import { joined, type Measured, shares, table, written } from "./shares.ts";

const chosen = [
  { target: "relaxed", tile: "6x8" },
  { target: "simd", tile: "4x8" },
];
/** Two rounds and three; a process that was disturbed in one of them. */
const processes: Measured[] = [
  {
    times: {
      one: [
        [1, 1, 1],
        [2, 4, 2],
      ],
      two: [[8], [4]],
    },
    chosen,
  },
  {
    times: {
      one: [
        [2, 20, 2],
        [4, 10, 4],
      ],
      two: [[9], [3]],
    },
    chosen,
  },
  {
    times: {
      one: [
        [3, 3, 3],
        [4, 4, 4],
      ],
      two: [[6], [6]],
    },
    chosen,
  },
];

test("speed is compared round by round, and the medians of processes are kept", () => {
  expect(shares(processes)).toEqual([
    { call: "one", milliseconds: 2, others: [{ median: 0.5, least: 0.5, most: 0.75 }] },
    { call: "two", milliseconds: 8, others: [{ median: 2, least: 1, most: 3 }] },
  ]);
});

test("a table says what was compared", () => {
  const engines = [
    { name: "Node 1", ...chosen[0]! },
    { name: "Deno 2", ...chosen[1]! },
  ];
  const { columns, rows, note } = table(engines, shares(processes), { processes: 3, processor: "a processor" });
  expect(columns).toEqual(["what", "Node 1, ms", "Deno 2"]);
  expect(rows).toEqual([
    ["one", "2.00", "50 % (50–75)"],
    ["two", "8.00", "200 % (100–300)"],
  ]);
  expect(JSON.parse(written({ title: "", columns, rows, note }))).toEqual({ title: "", columns, rows, note });
  expect(written({ title: "", columns, rows, note })).toContain('\n    ["one", "2.00", "50 % (50–75)"],\n');
  expect(note).toContain("Node 1: relaxed, 6x8; Deno 2: simd, 4x8");
});

test("a later table takes the place of what it measures again, in order, if the engines are the same", () => {
  const of = (rows: string[][], columns = ["what", "a", "b"]) => ({ title: "", note: "", columns, rows });
  const before = of([
    ["one", "1"],
    ["three", "3"],
  ]);
  const calls = ["one", "two", "three"];
  const both = joined(
    before,
    of([
      ["three", "4"],
      ["two", "2"],
    ]),
    calls,
  );
  expect(both.rows.map((row) => row.join(" "))).toEqual(["one 1", "two 2", "three 4"]);
  const others = of([["two", "2"]], ["what", "a", "c"]);
  expect(joined(before, others, calls)).toBe(others);
  expect(joined(undefined, before, calls)).toBe(before);
});
