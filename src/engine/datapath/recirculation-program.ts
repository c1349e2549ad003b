import * as build from "../../compiler/hir/build.ts";
import { tagProtocols } from "../../compiler/hir/tag-protocols.ts";
import type { Expression, Module, Statement } from "../../compiler/hir/tree.ts";
import { boolType, numberType, optionalType, refType } from "../../compiler/hir/types.ts";
import { type TableName, type TableSizes, tableDeclarations } from "../pipeline/tables.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import { enterPipeline, lookupTable } from "./enter.ts";

export const recirculationProgram = "iov_recirculate";

/** The outermost VLAN tag that stands in an Ethernet frame (IEEE 802.1Q). */
const frameTag = build.struct("VlanTag", { protocol: build.integer(16, "big"), control: build.integer(16, "big") });
const frameTagOffset = 12;

/** Bits of a recirculation tag: the number of an entry; above it the parity of the packet's generation. */
const entryBits = 12;
const entryMask = 2 ** entryBits - 1;

export function recirculationTag(entry: number, parity: number): number {
  return parity * 2 ** entryBits + entry;
}

/**
 * The program at the end of the hidden pair: a frame that comes out there has an outermost VLAN tag that says where in
 * the graph it goes on, and in which generation. Frames without one are nobody's and dropped.
 */
export function recirculationModule(hook: PipelineHook, sizes: TableSizes): Module {
  const maps = tableDeclarations(sizes);
  const lookup = (name: TableName, key: Expression): Expression => lookupTable(maps, name, key);
  const program = build.program(
    (locals) => {
      const ref = (local: number): Expression => build.unwrap(locals.use(local));
      const tag = readTag(hook, locals);
      const bits = build.binary("shiftRight", locals.use(tag.local), build.number(entryBits));
      const [readParity, parity] = locals.let("parity", build.binary("and", bits, build.number(1)));
      const entry = build.binary("and", locals.use(tag.local), build.number(entryMask));
      const key = build.add(build.binary("multiply", entry, build.number(2)), locals.use(parity));
      const [findTarget, target] = locals.let("target", lookup("entries", key));
      const [findScratch, scratch] = locals.let("scratch", lookup("scratch", build.number(0)));
      const goOn = enterPipeline(maps, {
        scratch: () => ref(scratch),
        slot: build.load(build.field(ref(target), "slot")),
        port: build.load(build.field(ref(target), "port")),
        parity: () => locals.use(parity),
        fromHost: false,
      });
      const known = build.both(build.present(locals.use(target)), build.present(locals.use(scratch)));
      return [
        ...tag.statements,
        readParity,
        findTarget,
        findScratch,
        build.when(build.operation("packet.popVlan", [], boolType), [build.when(known, goOn)]),
        build.giveBack(build.drop()),
      ];
    },
    { name: recirculationProgram },
  );
  return { ...build.module([program], { maps }), name: recirculationProgram };
}

/** A variable with the outermost tag. Packets without one are dropped. */
function readTag(
  hook: PipelineHook,
  locals: build.Locals,
): { readonly statements: readonly Statement[]; readonly local: number } {
  const drop = [build.giveBack(build.drop())];
  if (hook === "tcx") {
    const [find, found] = locals.let("found", build.operation("packet.vlanTag", [], optionalType(numberType)));
    const [ask, asked] = locals.let("asked", build.operation("packet.vlanProtocol", [], optionalType(numberType)));
    const [keep, local] = locals.let("tag", build.unwrap(locals.use(found)), "u16");
    const none = [found, asked].map((one) => build.when(build.not(build.present(locals.use(one))), drop));
    const other = build.compare("notEqual", build.unwrap(locals.use(asked)), build.number(tagProtocols.customer));
    return { statements: [find, ask, ...none, build.when(other, drop), keep], local };
  }
  const view = build.operation("packet.at", [build.number(frameTagOffset)], optionalType(refType("packet", frameTag)), {
    layout: frameTag,
  });
  const [find, found] = locals.let("found", view);
  const field = (name: string): Expression => build.load(build.field(build.unwrap(locals.use(found)), name));
  const [keep, local] = locals.let("tag", field("control"), "u16");
  const other = build.compare("notEqual", field("protocol"), build.number(tagProtocols.customer));
  return {
    statements: [find, build.when(build.not(build.present(locals.use(found))), drop), build.when(other, drop), keep],
    local,
  };
}
