import assert from "node:assert/strict";
import { test } from "node:test";
import { linePlot, spreadLabels } from "./svg.ts";

/** Texts with their places, as they are in the picture. */
function textsOf(svg: string): readonly { readonly x: number; readonly y: number; readonly text: string }[] {
  const found = svg.matchAll(/<text x='(?<x>[-\d.]+)' y='(?<y>[-\d.]+)'[^>]*>(?<text>[^<]*)</g);
  return [...found].map(({ groups }) => ({ x: Number(groups!["x"]), y: Number(groups!["y"]), text: groups!["text"]! }));
}

const series = [
  {
    label: "kernel",
    points: [
      [1, 900],
      [1000, 1200],
      [1_000_000, 1500],
    ],
  },
  {
    label: "ours",
    points: [
      [1, 200],
      [1000, 220],
      [1_000_000, 330],
    ],
  },
  {
    label: "limit",
    points: [
      [1, 199],
      [1000, 219],
      [1_000_000, 329],
    ],
  },
] as const;
const plot = { title: "Cost", xLabel: "routes", yLabel: "time per packet (ns)", series };

test("both axes are named, what was measured is marked, and names of lines do not touch", () => {
  const texts = textsOf(linePlot(plot));
  for (const name of ["Cost", "routes", "time per packet (ns)", "1", "1,000", "1,000,000", "200", "1,000"])
    assert.ok(
      texts.some(({ text }) => text === name),
      name,
    );
  const names = texts.filter(({ text }) => series.some(({ label }) => label === text)).map(({ y }) => y);
  assert.equal(names.length, 3);
  for (const [index, y] of names.entries())
    for (const other of names.slice(index + 1)) assert.ok(Math.abs(y - other) >= 15.9, `${y} and ${other}`);
});

test("higher values are higher, on both kinds of axes, and a linear one begins at zero", () => {
  for (const yScale of ["logarithmic", "linear"] as const) {
    const svg = linePlot({ ...plot, yScale });
    const circles = [...svg.matchAll(/cy='(?<y>[\d.]+)'/g)].map(({ groups }) => Number(groups!["y"]));
    assert.ok(circles[0]! > circles[1]! && circles[1]! > circles[2]! && circles[2]! > 44);
    assert.equal(
      textsOf(svg).some(({ text }) => text === "0"),
      yScale === "linear",
    );
  }
});

test("several plots stand below one another", () => {
  assert.match(linePlot(plot, plot), /height='680'.*translate\(0 0\).*translate\(0 340\)/s);
});

test("names keep their order and their distance, within the picture", () => {
  assert.deepEqual(spreadLabels([100, 98, 300], 16, 290), [114, 98, 290]);
  assert.deepEqual(spreadLabels([289, 290, 290], 16, 290), [258, 274, 290]);
});
