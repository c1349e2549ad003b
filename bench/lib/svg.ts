/** A small writer of plots: bars with error bars, and lines over logarithmic axes. */

const font = "font-family='system-ui, sans-serif' font-size='12'";
const colours = ["#3178c6", "#c66a31", "#4a9a5c", "#8a5ac6", "#b03a5b"] as const;

function escape(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/'/g, "&#39;");
}

function text(x: number, y: number, content: string, extra = ""): string {
  return `<text x='${x.toFixed(1)}' y='${y.toFixed(1)}' ${font} ${extra}>${escape(content)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, style: string): string {
  const [a, b, c, d] = [x1, y1, x2, y2].map((value) => value.toFixed(1));
  return `<line x1='${a}' y1='${b}' x2='${c}' y2='${d}' ${style}/>`;
}

function picture(width: number, height: number, parts: readonly string[]): string {
  const background = `<rect width='${width}' height='${height}' fill='white'/>`;
  const open = `<svg xmlns='http://www.w3.org/2000/svg' width='${width}' height='${height}'>`;
  return `${[open, background, ...parts, "</svg>"].join("\n")}\n`;
}

/** One bar with the interval that its value lies in. */
export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
}

export interface BarChart {
  readonly title: string;
  readonly bars: readonly Bar[];
  /** A line to compare with, such as a ratio of 1. */
  readonly reference?: number;
  readonly digits?: number;
}

/** Horizontal bars, one below the other. */
export function barChart({ title, bars, reference, digits = 2 }: BarChart): string {
  const [left, right, top, row] = [170, 70, 50, 22];
  const width = 760;
  const height = top + bars.length * row + 30;
  const most = Math.max(...bars.map((bar) => bar.high ?? bar.value), reference ?? 0) * 1.05;
  const x = (value: number) => left + (value / most) * (width - left - right);
  const parts = [text(16, 24, title, "font-weight='bold'")];
  bars.forEach((bar, index) => {
    const y = top + index * row;
    const isWorse = reference !== undefined && bar.value > reference;
    const span = `width='${(x(bar.value) - left).toFixed(1)}' height='${row - 8}'`;
    parts.push(text(left - 8, y + row - 11, bar.label, "text-anchor='end'"));
    parts.push(`<rect x='${left}' y='${y}' ${span} fill='${colours[isWorse ? 1 : 0]}'/>`);
    if (bar.low !== undefined && bar.high !== undefined) {
      const middle = y + (row - 8) / 2;
      parts.push(line(x(bar.low), middle, x(bar.high), middle, "stroke='black' stroke-width='1.5'"));
    }
    parts.push(text(x(bar.high ?? bar.value) + 6, y + row - 11, bar.value.toFixed(digits)));
  });
  if (reference !== undefined) {
    const style = "stroke='#888' stroke-dasharray='4 3'";
    parts.push(line(x(reference), top - 8, x(reference), height - 24, style));
    parts.push(text(x(reference), height - 8, String(reference), "text-anchor='middle' fill='#666'"));
  }
  return picture(width, height, parts);
}

/** Points of one line. */
export interface Series {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export type Scale = "logarithmic" | "linear";

export interface LinePlot {
  readonly title: string;
  /** What the axis has, with its unit. */
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xScale?: Scale;
  /** A linear axis begins at 0. */
  readonly yScale?: Scale;
  readonly series: readonly Series[];
}

interface Axis {
  readonly ticks: readonly number[];
  at(value: number): number;
}

/** Where a line plot lies in its picture; names of lines stand to the right of it. */
const area = { width: 760, height: 340, left: 84, right: 150, top: 44, bottom: 56 } as const;
const labelDistance = 16;

/** Beyond so many decades only powers of ten have ticks. */
const mostFineDecades = 2.3;

function logarithmicTicks(low: number, high: number): readonly number[] {
  const steps = Math.log10(high / low) > mostFineDecades ? [1] : [1, 2, 5];
  const decades = Array.from(
    { length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
    (_, index) => 10 ** (Math.floor(Math.log10(low)) + index),
  );
  return decades.flatMap((decade) => steps.map((step) => step * decade)).filter((tick) => low <= tick && tick <= high);
}

function linearTicks(high: number): readonly number[] {
  const rough = high / 5;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = decade * ([1, 2, 5].find((one) => one * decade >= rough) ?? 10);
  return Array.from({ length: Math.floor(high / step) + 1 }, (_, index) => index * step);
}

/** An axis for these values, with some room beyond them. */
function axisOf(values: readonly number[], scale: Scale, from: number, to: number): Axis {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (scale === "linear") {
    const high = most * 1.08;
    return { ticks: linearTicks(high), at: (value) => from + (value / high) * (to - from) };
  }
  const room = Math.max(most / least, 2) ** 0.06;
  const [low, high] = [least / room, most * room];
  const span = Math.log10(high / low);
  return {
    ticks: logarithmicTicks(low, high),
    at: (value) => from + (Math.log10(value / low) / span) * (to - from),
  };
}

/** Heights for names that are wished for at these, far enough from one another, in the order of the wishes. */
export function spreadLabels(wished: readonly number[], distance: number, lowest: number): readonly number[] {
  const order = wished.map((at, index) => ({ at, index })).sort((a, b) => a.at - b.at);
  const placed: number[] = [];
  for (const { at } of order) placed.push(Math.max(at, (placed.at(-1) ?? Number.NEGATIVE_INFINITY) + distance));
  for (let index = placed.length - 1; index >= 0; index--) {
    const limit = index === placed.length - 1 ? lowest : placed[index + 1]! - distance;
    placed[index] = Math.min(placed[index]!, limit);
  }
  const result = new Array<number>(wished.length);
  for (const [place, { index }] of order.entries()) result[index] = placed[place]!;
  return result;
}

/** Ticks of the axis along the bottom: the values that were measured, where their numbers do not touch. */
function bottomTicks(values: readonly number[], axis: Axis): readonly number[] {
  const own = [...new Set(values)].sort((a, b) => a - b);
  const widths = own.map((value) => number(value).length * 7 + 8);
  const fits = own.every((value, index) => {
    if (index === 0) return true;
    return axis.at(value) - axis.at(own[index - 1]!) >= (widths[index]! + widths[index - 1]!) / 2;
  });
  return fits ? own : axis.ticks;
}

function number(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

function axes(plot: LinePlot, xAxis: Axis, yAxis: Axis): string[] {
  const { height, width, left, right, top, bottom } = area;
  const floor = height - bottom;
  const grid = "stroke='#ddd'";
  const middle = (top + floor) / 2;
  const parts = [
    text(16, 22, plot.title, "font-weight='bold'"),
    text((left + width - right) / 2, height - 14, plot.xLabel, "text-anchor='middle'"),
    text(18, middle, plot.yLabel, `text-anchor='middle' transform='rotate(-90 18 ${middle.toFixed(1)})'`),
  ];
  const xs = plot.series.flatMap(({ points }) => points.map(([x]) => x));
  for (const tick of bottomTicks(xs, xAxis)) {
    parts.push(line(xAxis.at(tick), top, xAxis.at(tick), floor, grid));
    parts.push(text(xAxis.at(tick), floor + 18, number(tick), "text-anchor='middle'"));
  }
  for (const tick of yAxis.ticks) {
    parts.push(line(left, yAxis.at(tick), width - right, yAxis.at(tick), grid));
    parts.push(text(left - 8, yAxis.at(tick) + 4, number(tick), "text-anchor='end'"));
  }
  return [
    ...parts,
    line(left, floor, width - right, floor, "stroke='#666'"),
    line(left, top, left, floor, "stroke='#666'"),
  ];
}

function drawLinePlot(plot: LinePlot): string[] {
  const { height, width, left, right, top, bottom } = area;
  const points = plot.series.flatMap((each) => each.points);
  const heights = points.map(([, y]) => y);
  const xs = points.map(([x]) => x);
  const xAxis = axisOf(xs, plot.xScale ?? "logarithmic", left, width - right);
  const yAxis = axisOf(heights, plot.yScale ?? "logarithmic", height - bottom, top);
  const parts = axes(plot, xAxis, yAxis);
  const drawn = plot.series.filter((each) => each.points.length > 0);
  const ends = drawn.map((each) => yAxis.at(each.points.at(-1)![1]) + 4);
  const labels = spreadLabels(ends, labelDistance, height - bottom);
  drawn.forEach((each, index) => {
    const colour = colours[plot.series.indexOf(each) % colours.length]!;
    const places = each.points.map(([x, y]) => [xAxis.at(x).toFixed(1), yAxis.at(y).toFixed(1)] as const);
    const path = places.map(([x, y]) => `${x},${y}`).join(" ");
    parts.push(`<polyline points='${path}' fill='none' stroke='${colour}' stroke-width='2'/>`);
    for (const [x, y] of places) parts.push(`<circle cx='${x}' cy='${y}' r='3' fill='${colour}'/>`);
    parts.push(text(width - right + 10, labels[index]!, each.label, `fill='${colour}'`));
  });
  return parts;
}

/** Plots of lines, one below the other. Axes are logarithmic where a plot does not say otherwise. */
export function linePlot(...plots: readonly LinePlot[]): string {
  const parts = plots.map((plot, index) => {
    return `<g transform='translate(0 ${index * area.height})'>\n${drawLinePlot(plot).join("\n")}\n</g>`;
  });
  return picture(area.width, plots.length * area.height, parts);
}
