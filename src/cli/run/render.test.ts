import assert from "node:assert/strict";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { integer, map, struct } from "../../compiler/hir/build.ts";
import { renderEntry, renderSnapshot } from "./render.ts";
import { addUp, type Entry } from "./snapshot.ts";

const Usage = struct("Usage", { packets: integer(64), bytes: integer(64) });
const usage = map("hash", { name: "usage", key: integer(32, "big"), value: Usage });
const entry = (key: number, packets: bigint): Entry => ({ key, value: { packets, bytes: packets * 60n } });
const render = (...args: Parameters<typeof renderSnapshot>) => stripVTControlCharacters(renderSnapshot(...args));

test("shows a map as a table, the largest first, and says what is left out", () => {
  const entries = [entry(1, 5n), entry(2, 70n), entry(3, 6n)];
  assert.equal(
    render({ declaration: usage, entries, cut: false }, 2),
    `usage 3 entries
key      packets  bytes
0.0.0.2       70   4200
0.0.0.3        6    360
and 1 more`,
  );
});

test("shows an empty map by its title", () => {
  const declaration = { ...usage, display: { kind: "table", title: "packets by source" } } as const;
  assert.equal(render({ declaration, entries: [], cut: false }, 5), "packets by source 0 entries");
});

test("draws a histogram with the gaps between its buckets", () => {
  const declaration = map("array", { key: integer(32), value: integer(64), display: { kind: "histogram" } });
  const entries = [
    { key: 3, value: 20n },
    { key: 1, value: 10n },
  ];
  const [, ...rows] = render({ declaration, entries, cut: false }, 10).split("\n");
  assert.deepEqual(
    rows.map((row) => row.trim().split(/\s+/).slice(0, 3).join(" ")),
    ["from to count", "2 3 10", "4 7 0", "8 15 20"],
  );
  assert.equal(rows[3]!.match(/#/g)!.length, 2 * rows[1]!.match(/#/g)!.length);
});

test("shows an entry as one line", () => {
  assert.equal(renderEntry(usage, entry(0xc000_0201, 2n)), "usage key=192.0.2.1 packets=2 bytes=120");
});

test("adds up what the processors counted", () => {
  const values = [
    { packets: 1n, seen: 2, flag: false, sizes: [1, 2] },
    { packets: 2n, seen: 3, flag: true, sizes: [3, 4] },
  ];
  assert.deepEqual(addUp(values), { packets: 3n, seen: 5, flag: true, sizes: [4, 6] });
});
