/**
 * Programs behind entries of device maps: they run on what goes out there.
 *
 * Of all the frames that come in together and leave by one device, the kernel runs one program on all, that of the
 * first (bq_enqueue, kernel/bpf/devmap.c). So all entries of a device have the same program, those for single frames
 * and those of groups, and a note beside the frame says what is to be done with it.
 */
import * as build from "../../compiler/hir/build.ts";
import type { Expression, Module, Statement } from "../../compiler/hir/tree.ts";
import { boolType, u64Type } from "../../compiler/hir/types.ts";

export const egressProgram = "iov_egress";

/** Takes the tag off that a group is flooded with, where this port is not one that gets it. */
export function untaggingModule(port: number): Module {
  return egressModule((locals) => untag(locals, port));
}

/** And puts the tag on that says where a frame goes on in the graph, for a hidden pair. */
export function recirculatingModule(port: number, tag: number): Module {
  return egressModule((locals) => [...untag(locals, port), must(build.pushVlan(build.number(tag)))]);
}

function untag(locals: build.Locals, port: number): readonly Statement[] {
  const [take, tagged] = locals.let("tagged", build.operation("packet.takeNote", [], u64Type));
  const own = build.binary("and", locals.use(tagged), build.wide(1n << BigInt(port)));
  const isUntagged = build.compare("equal", own, build.wide(0));
  return [take, build.when(isUntagged, [must(build.operation("packet.popVlan", [], boolType))])];
}

function must(operation: Expression): Statement {
  return build.when(build.not(operation), [build.giveBack(build.drop())]);
}

function egressModule(body: (locals: build.Locals) => readonly Statement[]): Module {
  const program = build.program((locals) => [...body(locals), build.giveBack(build.pass())], { name: egressProgram });
  return { ...build.module([program], {}), name: egressProgram };
}
