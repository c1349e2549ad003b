import * as build from "../../compiler/hir/build.ts";
import type { Expression, MapDeclaration, Module, Statement } from "../../compiler/hir/tree.ts";
import { boolType } from "../../compiler/hir/types.ts";
import { type TableSizes, tableDeclarations } from "../pipeline/tables.ts";
import { lookupTable } from "./enter.ts";

export const egressProgram = "iov_egress";

/** What is done to a copy of a flooded frame on its way out of a port. */
export interface Egress {
  /** Identity of the port, for the counters. */
  readonly port: number;
  /** The frame carries a tag that this member must not get. */
  readonly untag: boolean;
  /** The tag that says where it goes on in the graph, for the hidden pair. */
  readonly recirculation: number | undefined;
}

/** The program behind an entry of a device map: it runs on the one copy that goes out there. */
export function egressModule(egress: Egress, sizes: TableSizes): Module {
  const maps = tableDeclarations(sizes);
  const program = build.program(
    (locals) => {
      const must = (operation: Expression): Statement =>
        build.when(build.not(operation), [build.giveBack(build.drop())]);
      return [
        ...(egress.untag ? [must(build.operation("packet.popVlan", [], boolType))] : []),
        ...countOut(locals, maps, egress.port),
        ...(egress.recirculation === undefined ? [] : [must(build.pushVlan(build.number(egress.recirculation)))]),
        build.giveBack(build.pass()),
      ];
    },
    { name: egressProgram },
  );
  return { ...build.module([program], { maps }), name: egressProgram };
}

function countOut(locals: build.Locals, maps: readonly MapDeclaration[], port: number): readonly Statement[] {
  const [find, counters] = locals.let("counters", lookupTable(maps, "ports", build.number(port)));
  const field = (name: string): Expression => build.field(build.unwrap(locals.use(counters)), name);
  const add = (name: string, amount: Expression): Statement =>
    build.store(field(name), build.add(build.load(field(name)), amount));
  const length = build.convert("u64", build.packetLength());
  const count = [add("outPackets", build.wide(1)), add("outBytes", length)];
  return [find, build.when(build.present(locals.use(counters)), count)];
}
