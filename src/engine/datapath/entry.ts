import * as build from "../../compiler/hir/build.ts";
import type { Expression, Module, Statement } from "../../compiler/hir/tree.ts";
import { boolType, voidType } from "../../compiler/hir/types.ts";
import { metadataSlots, type TableName, type TableSizes, tableDeclarations, tableNames } from "../pipeline/tables.ts";

/** Name of the program on a hook. */
export const entryProgram = "iov_entry";

/** Which way packets go at the hook. TCX marks those that come out of the graph, and they pass. */
export type EntryWay = "xdp" | "in" | "out";

/**
 * The small program that stays on a hook. It reads which generation is live, looks up where that generation's packets
 * go from here, notes the port and goes on there. Where there is nothing (any more) the packet is the kernel's.
 */
export function entryModule(entry: number, sizes: TableSizes, way: EntryWay): Module {
  const maps = tableDeclarations(sizes);
  const index = (name: TableName): number => maps.findIndex((map) => map.name === tableNames[name]);
  const lookup = (name: TableName, key: Expression): Expression => {
    const map = index(name);
    return build.operation("map.ref", [key], build.optionalRef("map", maps[map]!.value!), { map });
  };
  const program = build.program(
    (locals) => {
      const ref = (local: number): Expression => build.unwrap(locals.use(local));
      const [findGeneration, generation] = locals.let("generation", lookup("generation", build.number(0)));
      const live = build.load(ref(generation));
      const [readParity, parity] = locals.let("parity", build.binary("and", live, build.number(1)));
      const key = build.add(build.number(2 * entry), locals.use(parity));
      const [findTarget, target] = locals.let("target", lookup("entries", key));
      const [findScratch, scratch] = locals.let("scratch", lookup("scratch", build.number(0)));
      const [readSlot, slot] = locals.let("slot", build.load(build.field(ref(target), "slot")));
      const place = (name: string): Expression => build.field(ref(scratch), name);
      const leads = build.compare("notEqual", locals.use(slot), build.number(0));
      const tail = build.add(build.binary("multiply", locals.use(slot), build.number(2)), locals.use(parity));
      const enter: readonly Statement[] = [
        ...count(locals, lookup("ports", build.load(build.field(ref(target), "identity")))),
        build.store(place("port"), build.load(build.field(ref(target), "port"))),
        build.store(place("parity"), locals.use(parity)),
        build.store(place("fromHost"), build.number(way === "out" ? 1 : 0)),
        ...Array.from({ length: metadataSlots }, (_, slot) =>
          build.store(build.element(place("metadata"), build.number(slot)), build.wide(0)),
        ),
        build.evaluate(
          build.operation("program.tailCall", [build.binary("and", tail, build.number(0xffff_ffff))], voidType, {
            map: index("slots"),
          }),
        ),
      ];
      const present = (local: number): Expression => build.present(locals.use(local));
      return [
        ...passHandled(way),
        findGeneration,
        build.when(present(generation), [
          readParity,
          findTarget,
          findScratch,
          build.when(build.both(present(target), present(scratch)), [readSlot, build.when(leads, enter)]),
        ]),
        build.giveBack(build.pass()),
      ];
    },
    { name: entryProgram },
  );
  return { ...build.module([program], { maps }), name: entryProgram };
}

/** What comes in on the port. Ports that are linked to functions count what those send out. */
function count(locals: build.Locals, counters: Expression): readonly Statement[] {
  const [find, found] = locals.let("counters", counters);
  const add = (name: string, amount: Expression): Statement => {
    const target = build.field(build.unwrap(locals.use(found)), name);
    return build.store(target, build.add(build.load(target), amount));
  };
  const length = build.convert("u64", build.packetLength());
  return [
    find,
    build.when(build.present(locals.use(found)), [add("inPackets", build.wide(1)), add("inBytes", length)]),
  ];
}

function passHandled(way: EntryWay): readonly Statement[] {
  if (way === "xdp") return [];
  const constants = [way === "in" ? 0 : 1];
  const handled = build.operation("packet.takeHandled", [], boolType, { constants });
  return [build.when(handled, [build.giveBack(build.pass())])];
}
