import { Random } from "../random.ts";
import { Context } from "./context.ts";
import { Coverage } from "./coverage.ts";
import { importsOf } from "./imports.ts";
import { declareFunctions } from "./module-functions.ts";
import { declareLayouts } from "./module-layouts.ts";
import { declareMaps } from "./module-maps.ts";
import { declareSettings } from "./module-settings.ts";
import { verdictText } from "./packets.ts";
import { statements } from "./statements.ts";

export type GeneratedKind = "packet" | "tracepoint" | "kernelTracepoint" | "connect4" | "connect6";

export interface GeneratedModule {
  readonly kind: GeneratedKind;
  readonly source: string;
  /** Values for its settings. */
  readonly given: Readonly<Record<string, unknown>>;
  /** What it was made of. */
  readonly coverage: Readonly<Record<string, number>>;
}

/** The program number `index` of a seed. The same numbers give the same source. */
export function generateModule(seed: number, index: number): GeneratedModule {
  const random = new Random(seed, index);
  const coverage = new Coverage();
  const c = new Context(random, coverage);
  const kind = random.weighted<GeneratedKind>([
    [92, "packet"],
    [3, "tracepoint"],
    [2, "kernelTracepoint"],
    [2, "connect4"],
    [1, "connect6"],
  ]);
  c.tracing = kind === "tracepoint" || kind === "kernelTracepoint";
  declareLayouts(c);
  declareMaps(c);
  const given = declareSettings(c);
  declareConstants(c);
  declareFunctions(c, kind === "packet");
  c.statements = random.between(4, 28);
  handler(c, kind);
  coverage.hit(`kind ${kind}`);
  const body = c.lines.join("\n");
  return { kind, source: `${importsOf(body)}\n\n${body}\n`, given, coverage: coverage.counts };
}

function declareConstants(c: Context): void {
  if (c.random.chance(0.5)) {
    const name = c.fresh("Limits");
    const [low, high] = [c.random.below(100), 100 + c.random.below(60000)];
    const wide = c.random.u64() >> BigInt(c.random.below(60));
    c.line(`const ${name} = { low: ${low}, inner: { high: ${high} }, wide: ${wide}n } as const;`);
    c.coverage.hit("constant object");
    c.declarations.constants.push(
      { path: `${name}.low`, value: BigInt(low), wide: false },
      { path: `${name}.inner.high`, value: BigInt(high), wide: false },
      { path: `${name}.wide`, value: wide, wide: true },
    );
  }
  if (c.random.chance(0.3)) {
    const name = c.fresh("list");
    const values = Array.from({ length: c.random.between(1, 5) }, () => BigInt(c.random.below(1000)));
    c.line(`const ${name} = [${values.join(", ")}];`);
    c.declarations.lists.push({ name, values });
  }
}

function handler(c: Context, kind: GeneratedKind): void {
  switch (kind) {
    case "packet":
      c.line("export default onPacket((packet) => {");
      c.separate(
        () => {
          statements(c, 20);
          c.line(`return ${verdictText(c, 2)};`);
        },
        { packet: "packet", returns: "verdict", effects: true },
      );
      c.line("});");
      return;
    case "tracepoint":
      c.line('export const traced = onTracepoint("sched:sched_switch", (event) => {');
      tracingBody(c, ["event.prev_pid", "event.next_pid", "event.prev_prio"]);
      return;
    case "kernelTracepoint":
      c.line('export const traced = onKernelTracepoint("sched_process_exit", (task) => {');
      c.line("  if (task === undefined) return;");
      tracingBody(c, ["task.pid", "task.tgid", "task.prio"]);
      return;
    case "connect4":
    case "connect6":
      c.line(`export const guard = ${kind === "connect4" ? "onConnect4" : "onConnect6"}((socket) => {`);
      c.separate(
        () => {
          const name = c.fresh("n");
          c.line(`const ${name}: u32 = socket.${c.random.pick(["family", "type", "protocol", "port"])};`);
          c.declare({ kind: "number", name, range: { low: 0n, high: 0xffff_ffffn }, brand: "u32", mutable: false });
          statements(c, 10);
          c.line(`return ${verdictText(c, 1)};`);
        },
        { packet: undefined, returns: "connectVerdict", effects: true },
      );
      c.line("});");
  }
}

function tracingBody(c: Context, fields: readonly string[]): void {
  c.separate(
    () => {
      const name = c.fresh("n");
      c.line(`const ${name}: i32 = ${c.random.pick(fields)};`);
      c.declare({
        kind: "number",
        name,
        range: { low: -(1n << 31n), high: (1n << 31n) - 1n },
        brand: "i32",
        mutable: false,
      });
      const call = c.random.pick(["processId()", "threadId()", "userId()"]);
      const id = c.fresh("n");
      c.coverage.hit(call);
      c.line(`const ${id}: u32 = ${call};`);
      c.declare({ kind: "number", name: id, range: { low: 0n, high: 0xffff_ffffn }, brand: "u32", mutable: false });
      statements(c, 10);
    },
    { packet: undefined, returns: "void", effects: true },
  );
  c.line("});");
}
