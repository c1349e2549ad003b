/** Modules made by hand for the tests of this layer and the command line: no TypeScript, no front end. */
import * as b from "../compiler/hir/build.ts";
import type { Layout } from "../compiler/hir/layout.ts";
import type { MapDeclaration, Module, Program } from "../compiler/hir/tree.ts";
import { boolType, optionalType, refType } from "../compiler/hir/types.ts";

const u64 = b.integer(64);
const Ethernet = b.struct("Ethernet", {
  destination: { kind: "bytes", length: 6 },
  source: { kind: "bytes", length: 6 },
  type: b.integer(16, "big"),
});
const Usage = b.struct("Usage", { packets: u64, bytes: u64 });
const Seen = b.struct("Seen", { length: b.integer(32), type: b.integer(32) });

export interface CounterOptions {
  /** What is added to `packets` for each packet. */
  readonly step?: number;
  /** Another layout of the values. */
  readonly value?: "usage" | "swapped";
  readonly maxEntries?: number;
  readonly events?: boolean;
  readonly program?: string;
}

/** A packet program that counts packets by EtherType in `usage` and tells about each over `seen`, and passes them. */
export function counterModule(options: CounterOptions = {}): Module {
  const value = options.value === "swapped" ? b.struct("Usage", { bytes: u64, packets: u64 }) : Usage;
  const usage: MapDeclaration = {
    name: "usage",
    kind: "hash",
    key: b.integer(32),
    value,
    maxEntries: options.maxEntries ?? 64,
    flags: 0,
    at: 0,
  };
  const seen: MapDeclaration = { name: "seen", kind: "ringBuffer", value: Seen, maxEntries: 4096 * 4, flags: 0, at: 0 };
  const maps = options.events === false ? [usage] : [usage, seen];
  return { ...b.module([counterProgram(options, value)], { maps }), name: "counter.ts" };
}

function counterProgram(options: CounterOptions, value: Layout): Program {
  return b.program(
    (locals) => {
      const [letFrame, frame] = locals.let("frame", b.packetAt(b.number(0), Ethernet));
      const type = b.load(b.field(b.unwrap(locals.use(frame)), "type"));
      const entry = b.operation("map.ref", [type], optionalType(refType("map", value)), { map: 0 });
      const [letEntry, known] = locals.let("known", entry);
      const packets = b.field(b.unwrap(locals.use(known)), "packets");
      const step = b.wide(options.step ?? 1);
      const first = b.newStruct(value, [{ path: [options.value === "swapped" ? 1 : 0], value: step }]);
      const count = b.evaluate(b.operation("atomic.add", [packets, step], { kind: "void" }, {}));
      const insert = b.evaluate(b.operation("map.set", [type, first], boolType, { map: 0, constants: [0] }));
      const tell = b.newStruct(Seen, [
        { path: [0], value: b.packetLength() },
        { path: [1], value: type },
      ]);
      const emit = b.evaluate(b.operation("ring.emit", [tell], boolType, { map: 1 }));
      return [
        letFrame,
        b.when(b.not(b.present(locals.use(frame))), [b.giveBack(b.pass())]),
        letEntry,
        b.when(b.present(locals.use(known)), [count], [insert]),
        ...(options.events === false ? [] : [emit]),
        b.giveBack(b.pass()),
      ];
    },
    { name: options.program ?? "count", kind: "packet" },
  );
}
