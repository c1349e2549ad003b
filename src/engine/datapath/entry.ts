import * as build from "../../compiler/hir/build.ts";
import type { Expression, Module, Statement } from "../../compiler/hir/tree.ts";
import { boolType, voidType } from "../../compiler/hir/types.ts";
import { type TableName, type TableSizes, tableDeclarations } from "../pipeline/tables.ts";
import { enterPipeline, lookupTable } from "./enter.ts";

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
  const lookup = (name: TableName, key: Expression): Expression => lookupTable(maps, name, key);
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
      const leads = build.compare("notEqual", locals.use(slot), build.number(0));
      const enter: readonly Statement[] = [
        ...forgetNotes(way),
        ...count(locals, lookup("ports", build.load(build.field(ref(target), "identity")))),
        ...enterPipeline(maps, {
          scratch: () => ref(scratch),
          slot: locals.use(slot),
          port: build.load(build.field(ref(target), "port")),
          parity: () => locals.use(parity),
          fromHost: way === "out",
        }),
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

/** Programs behind device maps go by notes: none must come from outside. */
function forgetNotes(way: EntryWay): readonly Statement[] {
  return way === "xdp" ? [build.evaluate(build.operation("packet.clearNotes", [], voidType))] : [];
}

function passHandled(way: EntryWay): readonly Statement[] {
  if (way === "xdp") return [];
  const constants = [way === "in" ? 0 : 1];
  const handled = build.operation("packet.takeHandled", [], boolType, { constants });
  return [build.when(handled, [build.giveBack(build.pass())])];
}
