/** What a packet costs on several paths, by the size of something, with ratios to ours below. */
import { linePlot, type Scale, type Series } from "../lib/svg.ts";

export interface CostPlot {
  readonly title: string;
  /** What the sizes count. */
  readonly sizes: string;
  readonly sizeScale?: Scale;
  /** Nanoseconds, net of the generator, by size. */
  readonly ours: Series;
  readonly rivals: readonly Series[];
  /** Lines that no ratio is of interest for. */
  readonly others?: readonly Series[];
}

/** Noise may leave nothing of a path that costs next to nothing; a logarithmic axis has no place for that. */
const leastNanoseconds = 1;

export function costPlot({ title, sizes, sizeScale, ours, rivals, others = [] }: CostPlot): string {
  const shared = { xLabel: sizes, ...(sizeScale ? { xScale: sizeScale } : {}) };
  const visible = ({ label, points }: Series): Series => {
    return { label, points: points.map(([size, time]) => [size, Math.max(leastNanoseconds, time)] as const) };
  };
  const own = new Map(visible(ours).points);
  const ratios = rivals.map(visible).map(({ label, points }) => ({
    label,
    points: points.flatMap(([size, time]) => (own.has(size) ? [[size, time / own.get(size)!] as const] : [])),
  }));
  return linePlot(
    {
      ...shared,
      title: `${title}: time per packet, net of the generator`,
      yLabel: "time per packet (ns)",
      series: [ours, ...rivals, ...others].map(visible),
    },
    {
      ...shared,
      title: `Ratio to ${ours.label}: how many times as long the other ways take`,
      yLabel: "ratio (times)",
      // A line of its own keeps the colours those of the plot above.
      series: [{ label: `${ours.label} = 1`, points: [...own.keys()].map((size) => [size, 1] as const) }, ...ratios],
    },
  );
}
