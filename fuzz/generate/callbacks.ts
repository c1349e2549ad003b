import type { Context } from "./context.ts";
import type { MapDeclaration, MapKind } from "./declarations.ts";
import type { Layout } from "./layouts.ts";

const gone: readonly MapKind[] = ["arrayMap", "hash", "perCpuArray", "perCpuHash"];
/** An hour: what is started here never fires while programs are compared. */
const delay = "3_600_000_000_000n";

/** A statement that changes the value of an entry, whatever the order in which entries are visited. */
function change(value: Layout): string | undefined {
  if (value.kind === "integer") return changed("value.value", value.name);
  if (value.kind !== "struct") return undefined;
  for (const { name, layout } of value.fields) {
    const text = layout.kind === "integer" ? changed(`value.${name}`, layout.name) : undefined;
    if (text !== undefined) return text;
  }
  return undefined;
}

function changed(place: string, type: string): string | undefined {
  if (type === "u64" || type === "i64") return `${place} += 3n;`;
  return type === "u32" || type === "u16" || type === "u8" ? `${place} = ${type}(${place} + 5);` : undefined;
}

function mayIterate(c: Context, { kind, value }: MapDeclaration): boolean {
  return gone.includes(kind) && value !== undefined && change(value) !== undefined && c.place.rounds === 1;
}

/** `map.forEach((key, value) => { ... })` */
export function forEachStatement(c: Context): boolean {
  if (c.place.locked || !c.place.effects) return false;
  const maps = c.declarations.maps.filter((map) => mayIterate(c, map));
  if (maps.length === 0) return false;
  const map = c.random.pick(maps);
  c.coverage.hit("forEach", `${map.kind}.forEach`);
  c.line(`${map.name}.forEach((_, value) => {`);
  c.nested(() => c.line(change(map.value!)!));
  c.line("});");
  return true;
}

/** A map whose values hold a timer, which nothing but `timerStatement` uses. */
export function declareTimers(c: Context): void {
  if (c.tracing || !c.random.chance(0.3)) return;
  const name = c.fresh("timers");
  const kind = c.random.pick(["arrayMap", "hash", "lruHash"] as const);
  const key = kind === "arrayMap" ? "" : "key: u32, ";
  c.line(`export const ${name} = ${kind}({ ${key}value: struct({ fired: u32, timer, sum: u64 }), maxEntries: 64 });`);
  c.declarations.timers.push(name);
}

/** Starts or cancels the timer of an entry. */
export function timerStatement(c: Context): boolean {
  if (c.place.locked || !c.place.effects || c.declarations.timers.length === 0) return false;
  const map = c.random.pick(c.declarations.timers);
  const name = c.fresh("t");
  c.line(`const ${name} = ${map}.ref(${c.random.below(4)});`);
  if (c.random.chance(0.3)) {
    c.coverage.hit("cancelTimer");
    c.line(`if (${name}) ${map}.cancelTimer(${name});`);
    return true;
  }
  c.coverage.hit("startTimer");
  const body = c.random.pick([
    "own.sum += u64(key);",
    `own.sum = time.now(); atomicAdd(own, "fired", 1);`,
    `${map}.forEach((_, each) => { each.sum += 1n; });`,
  ]);
  c.line(`if (${name}) ${map}.startTimer(${name}, ${delay}, (key, own) => { ${body} });`);
  return true;
}
