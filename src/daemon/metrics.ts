import type { Counters, InstanceCounters } from "../engine/inspect/counters.ts";
import { countedInstances } from "../engine/inspect/instances.ts";
import { listPipelines } from "../engine/inspect/pipelines.ts";
import type { Visor } from "../engine/visor/visor.ts";
import { healthOf } from "./health.ts";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number | bigint, suffix?: string];

const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Durations of applies, as a histogram. */
export class ApplyTimes {
  readonly #counts = buckets.map(() => 0);
  #count = 0;
  #sum = 0;
  failed = 0;

  add(seconds: number): void {
    this.#count++;
    this.#sum += seconds;
    for (const [index, bound] of buckets.entries()) if (seconds <= bound) this.#counts[index]!++;
  }

  samples(): readonly Sample[] {
    const bounded = buckets.map((bound, index): Sample => [{ le: String(bound) }, this.#counts[index]!, "_bucket"]);
    return [...bounded, [{ le: "+Inf" }, this.#count, "_bucket"], [{}, this.#sum, "_sum"], [{}, this.#count, "_count"]];
  }
}

/** The text that Prometheus reads (exposition format 0.0.4). */
export function metricsText(visor: Visor, counters: Counters, times: ApplyTimes): string {
  const counted = [...countedInstances(visor)].map(([name, instance]) => [name, counters.of(instance)] as const);
  const pipelines = listPipelines(visor);
  const perPipeline = (value: (one: (typeof pipelines)[number]) => number | bigint | undefined): readonly Sample[] =>
    pipelines.flatMap((one): Sample[] => {
      const known = value(one);
      return known === undefined ? [] : [[{ pipeline: one.key }, known]];
    });
  return [
    metric("iovisor_revision", "gauge", "Number of the revision that is live.", [[{}, visor.revision?.number ?? 0]]),
    metric("iovisor_generation", "counter", "Commits of the data path.", [
      [{}, visor.running.dataPath.generation.value],
    ]),
    metric("iovisor_degraded", "gauge", "1 while not all that belongs to the graph is at work.", [
      [{}, healthOf(visor).status === "ok" ? 0 : 1],
    ]),
    metric(
      "iovisor_host_side_failures_total",
      "counter",
      "What failed in the host side of an instance.",
      [...visor.running.hostSides].map(([instance, { failures }]): Sample => [{ instance }, failures]),
    ),
    ...portMetrics(counted),
    metric("iovisor_dropped_packets_total", "counter", "Packets that an instance dropped, by reason.", drops(counted)),
    metric(
      "iovisor_pipeline_instructions",
      "gauge",
      "Instructions of a pipeline's program in the kernel.",
      perPipeline(({ program }) => program?.instructions),
    ),
    metric(
      "iovisor_pipeline_verified_instructions",
      "gauge",
      "Instructions that the verifier processed for a pipeline's program.",
      perPipeline(({ program }) => program?.verifiedInstructions),
    ),
    metric("iovisor_apply_seconds", "histogram", "Time that applies took.", times.samples()),
    metric("iovisor_applies_failed_total", "counter", "Applies that failed.", [[{}, times.failed]]),
    metric("process_resident_memory_bytes", "gauge", "Memory of the daemon.", [[{}, process.memoryUsage.rss()]]),
  ].join("");
}

type Counted = readonly (readonly [instance: string, counters: InstanceCounters])[];

function portMetrics(counted: Counted): readonly string[] {
  const samples = (input: "inPackets" | "inBytes", output: "outPackets" | "outBytes"): readonly Sample[] =>
    counted.flatMap(([instance, { ports }]) =>
      Object.entries(ports).flatMap(([port, count]): Sample[] => [
        [{ instance, port, direction: "in" }, count[input]],
        [{ instance, port, direction: "out" }, count[output]],
      ]),
    );
  return [
    metric("iovisor_port_packets_total", "counter", "Packets of a port.", samples("inPackets", "outPackets")),
    metric("iovisor_port_bytes_total", "counter", "Bytes of a port.", samples("inBytes", "outBytes")),
  ];
}

function drops(counted: Counted): readonly Sample[] {
  return counted.flatMap(([instance, counters]) =>
    counters.drops.map(({ reason, packets }): Sample => [{ instance, reason }, packets]),
  );
}

function metric(name: string, type: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value, suffix = ""]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}${suffix}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
