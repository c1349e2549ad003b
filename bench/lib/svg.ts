/** A small writer of plots: bars with error bars, and lines over logarithmic axes. */

const font = "font-family='system-ui, sans-serif' font-size='12'";
const colours = ["#3178c6", "#c66a31", "#4a9a5c", "#8a5ac6"] as const;

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

export interface LinePlot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

interface Axis {
  readonly ticks: readonly number[];
  at(value: number): number;
}

function logarithmicAxis(values: readonly number[], from: number, to: number): Axis {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
    at: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
  };
}

/** Lines over two logarithmic axes. */
export function linePlot({ title, xLabel, yLabel, series }: LinePlot): string {
  const [width, height, left, bottom, top, right] = [760, 420, 80, 50, 50, 160];
  const points = series.flatMap((each) => each.points);
  const xAxis = logarithmicAxis(
    points.map(([x]) => x),
    left,
    width - right,
  );
  const yAxis = logarithmicAxis(
    points.map(([, y]) => y),
    height - bottom,
    top,
  );
  const grid = "stroke='#ddd'";
  const parts = [
    text(16, 24, title, "font-weight='bold'"),
    text((left + width - right) / 2, height - 10, xLabel, "text-anchor='middle'"),
    text(16, top - 10, yLabel),
  ];
  for (const tick of xAxis.ticks) {
    parts.push(line(xAxis.at(tick), top, xAxis.at(tick), height - bottom, grid));
    parts.push(text(xAxis.at(tick), height - bottom + 18, tick.toLocaleString("en-US"), "text-anchor='middle'"));
  }
  for (const tick of yAxis.ticks) {
    parts.push(line(left, yAxis.at(tick), width - right, yAxis.at(tick), grid));
    parts.push(text(left - 8, yAxis.at(tick) + 4, tick.toLocaleString("en-US"), "text-anchor='end'"));
  }
  series.forEach((each, index) => {
    const colour = colours[index % colours.length]!;
    const path = each.points.map(([x, y]) => `${xAxis.at(x).toFixed(1)},${yAxis.at(y).toFixed(1)}`).join(" ");
    parts.push(`<polyline points='${path}' fill='none' stroke='${colour}' stroke-width='2'/>`);
    const last = each.points.at(-1);
    if (last) parts.push(text(width - right + 8, yAxis.at(last[1]) + 4, each.label, `fill='${colour}'`));
  });
  return picture(width, height, parts);
}
