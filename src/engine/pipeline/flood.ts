import * as build from "../../compiler/hir/build.ts";
import type { Expression, Statement } from "../../compiler/hir/tree.ts";
import { boolType, numberType } from "../../compiler/hir/types.ts";
import type { Composer } from "./compose.ts";
import type { Decided } from "./dispatch.ts";
import { mostMembers } from "./tables.ts";
import { type Node, usesOperation } from "./topology.ts";

/** Groups are numbered within their instance. */
export const groupBits = 12;
const tagBits = 16;
/** Above the numbers of instances and groups: the parity of the generation. */
const parityShift = 31;

/** The key of a group in the table of groups. */
export function groupKey(parity: number, instance: number, group: number): number {
  return parity * 2 ** parityShift + instance * 2 ** groupBits + group;
}

/** Whether a function may flood. */
export function floods(node: Node): boolean {
  return usesOperation(node, "verdict.flood");
}

/** A copy out of every member port of a group but the packet's own. */
export function flood(composer: Composer, decided: Decided): readonly Statement[] {
  const { node, entry } = decided;
  const argument = composer.use(decided.verdict.argument);
  const tag = composer.variable("tag", build.binary("and", argument, build.number(2 ** tagBits - 1)), "u16");
  const number = build.binary("shiftRight", argument, build.number(tagBits));
  const fixed = build.add(build.number(groupKey(0, node.id, 0)), number);
  const parity = build.binary("multiply", composer.use(entry.parity), build.number(2 ** parityShift));
  const group = composer.variable("group", composer.lookup("floods", build.convert("u32", build.add(fixed, parity))));
  return [
    tag.statement,
    group.statement,
    build.when(build.not(build.present(composer.use(group.local))), composer.drop(node, "noGroup")),
    ...copies(composer, decided, group.local, composer.use(tag.local)),
    build.giveBack(build.drop()),
  ];
}

/** Tags are metadata of an skb until it leaves, so that putting them on and taking them off again costs little. */
function copies(composer: Composer, decided: Decided, group: number, tag: Expression): readonly Statement[] {
  const count = composer.variable("count", composer.field(group, "count"), "u32");
  const use = composer.use(count.local);
  const bounded = build.conditional(
    build.compare("less", use, build.number(mostMembers)),
    use,
    build.number(mostMembers),
  );
  const counter = composer.declare("member", numberType);
  const members = build.field(build.unwrap(composer.use(group)), "members");
  const member = composer.variable("to", build.element(members, composer.use(counter)));
  const field = (name: string): Expression => build.load(build.field(composer.use(member.local), name));
  const recirculated = build.compare("notEqual", field("recirculation"), build.number(0));
  const tagged = build.compare("notEqual", field("tagged"), build.number(0));
  const other = build.compare("notEqual", field("port"), composer.use(decided.port));
  const outPort = build.add(build.number(decided.node.firstPort), field("port"));
  return [
    count.statement,
    build.loop(
      counter,
      build.number(0),
      bounded,
      [
        member.statement,
        build.when(other, [
          build.when(tagged, [packetCall("packet.pushVlan", [tag])]),
          build.when(recirculated, [packetCall("packet.pushVlan", [field("recirculation")])]),
          packetCall("packet.cloneTo", [field("ifindex")]),
          build.when(recirculated, [packetCall("packet.popVlan", [])]),
          build.when(tagged, [packetCall("packet.popVlan", [])]),
          ...composer.count("ports", build.convert("u32", outPort), "outPackets", "outBytes"),
        ]),
      ],
      { label: composer.label() },
    ),
  ];
}

function packetCall(name: string, args: readonly Expression[]): Statement {
  return build.evaluate(build.operation(name, args, boolType));
}
