import * as build from "../../compiler/hir/build.ts";
import type { Expression, Statement } from "../../compiler/hir/tree.ts";
import { boolType, numberType, verdictType } from "../../compiler/hir/types.ts";
import type { Composer } from "./compose.ts";
import type { Exit, Stage } from "./cut.ts";
import { type Decided, handled } from "./dispatch.ts";
import { mostMembers } from "./tables.ts";
import { type Node, usesOperation } from "./topology.ts";

/** Groups are numbered within their instance. */
export const groupBits = 12;
const tagBits = 16;
/** Above the numbers of instances and groups: the parity of the generation. */
const parityShift = 31;
/** Between them: which of the ports that lead to functions is left out, from 1; 0: none. */
const variantUnit = 2 ** 24;
export const mostVariants = 63;

/** The key of a group in the table of groups. */
export function groupKey(parity: number, instance: number, group: number, variant = 0): number {
  return parity * 2 ** parityShift + variant * variantUnit + instance * 2 ** groupBits + group;
}

/** Whether a function may flood. */
export function floods(node: Node): boolean {
  return usesOperation(node, "verdict.flood");
}

/** A copy out of every member port of a group but the packet's own. Control does not come out at the end. */
export function flood(composer: Composer, decided: Decided): readonly Statement[] {
  const { node, entry } = decided;
  const argument = composer.use(decided.verdict.argument);
  const tag = composer.variable("tag", build.binary("and", argument, build.number(2 ** tagBits - 1)), "u16");
  const number = build.binary("shiftRight", argument, build.number(tagBits));
  const fixed = build.add(build.number(groupKey(0, node.id, 0)), number);
  const parity = build.binary("multiply", composer.use(entry.parity), build.number(2 ** parityShift));
  const key = composer.variable("group", build.convert("u32", build.add(fixed, parity)), "u32");
  const members = composer.variable("members", composer.lookup("floods", composer.use(key.local)));
  const flooding = { group: key.local, members: members.local, tag: composer.use(tag.local) };
  return [
    tag.statement,
    key.statement,
    members.statement,
    build.when(build.not(build.present(composer.use(members.local))), composer.drop(node, "noGroup", decided.port)),
    ...(composer.pipeline.hook === "xdp"
      ? broadcast(composer, decided, flooding)
      : copies(composer, decided, flooding)),
  ];
}

interface Flooding {
  /** The variables with the group's key and its entry in the table of groups. */
  readonly group: number;
  readonly members: number;
  readonly tag: Expression;
}

/**
 * At XDP the kernel copies to all devices of a map. A group with tagged members is flooded with the tag on, and a note
 * which ports get it; programs behind the device map take it off for the others.
 */
function broadcast(composer: Composer, decided: Decided, { group, members, tag }: Flooding): readonly Statement[] {
  const { node } = decided;
  const tagged = build.compare("notEqual", composer.field(members, "tagged"), build.number(0));
  const push = build.pushVlan(tag);
  const note = build.operation("packet.setNote", [composer.field(members, "taggedPorts")], boolType);
  const variant = composer.variable("variant", variantOf(composer, decided), "u32");
  const key = build.add(
    composer.use(group),
    build.binary("multiply", composer.use(variant.local), build.number(variantUnit)),
  );
  const send = build.operation("verdict.broadcastIn", [build.convert("u32", key)], verdictType, {
    map: composer.table("groups"),
    constants: [1],
  });
  return [
    ...eachMember(composer, decided, members, ({ count }) => count),
    build.when(tagged, [
      build.when(build.not(push), composer.drop(node, "failed", decided.port)),
      build.when(build.not(note), composer.drop(node, "failed", decided.port)),
    ]),
    variant.statement,
    build.giveBack(send),
  ];
}

/** The kernel leaves the packet's own device out. Where it came from a function, a map without that one serves. */
function variantOf(composer: Composer, { stage, port }: Decided): Expression {
  const inner = innerPorts(stage);
  return inner.reduce<Expression>(
    (otherwise, number, index) =>
      build.conditional(
        build.compare("equal", composer.use(port), build.number(number)),
        build.number(index + 1),
        otherwise,
      ),
    build.number(0),
  );
}

/** Copies go to functions also by ports that nothing is forwarded to. */
const functionExits: ReadonlySet<Exit["kind"]> = new Set<Exit["kind"]>(["stage", "pipeline", "never"]);

/** The ports of a stage that lead to functions. */
export function innerPorts(stage: Pick<Stage, "exits">): readonly number[] {
  return stage.exits.flatMap((exit, port) => (functionExits.has(exit.kind) ? [port] : []));
}

interface Member {
  readonly field: (name: string) => Expression;
  /** Counts what leaves by its port. */
  readonly count: readonly Statement[];
}

/** A loop over the members of a group but the packet's own port. */
function eachMember(
  composer: Composer,
  decided: Decided,
  group: number,
  body: (member: Member) => readonly Statement[],
): readonly Statement[] {
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
  const other = build.compare("notEqual", field("port"), composer.use(decided.port));
  const outPort = build.add(build.number(decided.node.firstPort), field("port"));
  const counted = composer.count("ports", build.convert("u32", outPort), "outPackets", "outBytes");
  return [
    count.statement,
    build.loop(
      counter,
      build.number(0),
      bounded,
      [member.statement, build.when(other, body({ field, count: counted }))],
      { label: composer.label() },
    ),
  ];
}

/** Tags are metadata of an skb until it leaves, so that putting them on and taking them off again costs little. */
function copies(composer: Composer, decided: Decided, { members, tag }: Flooding): readonly Statement[] {
  return [
    ...handled(composer, "out"),
    ...eachMember(composer, decided, members, ({ field, count }) => {
      const recirculated = build.compare("notEqual", field("recirculation"), build.number(0));
      const tagged = build.compare("notEqual", field("tagged"), build.number(0));
      const toHost = build.compare("notEqual", field("toHost"), build.number(0));
      return [
        build.when(tagged, [build.evaluate(build.pushVlan(tag))]),
        build.when(recirculated, [build.evaluate(build.pushVlan(field("recirculation")))]),
        build.when(toHost, [
          ...handled(composer, "in"),
          packetCall("packet.cloneToHost", [field("ifindex")]),
          ...handled(composer, "out"),
        ]),
        build.when(build.not(toHost), [packetCall("packet.cloneTo", [field("ifindex")])]),
        build.when(recirculated, [packetCall("packet.popVlan", [])]),
        build.when(tagged, [packetCall("packet.popVlan", [])]),
        ...count,
      ];
    }),
    build.giveBack(build.drop()),
  ];
}

function packetCall(name: string, args: readonly Expression[]): Statement {
  return build.evaluate(build.operation(name, args, boolType));
}
