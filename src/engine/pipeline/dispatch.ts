import * as build from "../../compiler/hir/build.ts";
import type { Expression, Statement } from "../../compiler/hir/tree.ts";
import { boolType, numberType, verdictType, voidType } from "../../compiler/hir/types.ts";
import type { Composer, EntryLocals } from "./compose.ts";
import type { Exit, Stage } from "./cut.ts";
import { flood, floods } from "./flood.ts";
import { Punt } from "./tables.ts";
import { readTagBeside } from "./tag-beside.ts";
import { type Node, usesOperation } from "./topology.ts";
import { isKind } from "./verdict-codes.ts";

/** A function that has come to its verdict. */
export interface Decided {
  readonly stage: Stage;
  readonly node: Node;
  /** The variables with the verdict's numbers, and the one with the port that the packet came in on. */
  readonly verdict: { readonly kind: number; readonly argument: number };
  readonly port: number;
  readonly entry: EntryLocals;
}

/** What becomes of a packet after a function's verdict. Control does not come out at the end. */
export function dispatch(composer: Composer, decided: Decided): readonly Statement[] {
  const { node } = decided;
  const verdict = composer.use(decided.verdict.kind);
  const reason = build.add(build.number(node.firstReason), composer.use(decided.verdict.argument));
  const punts = usesOperation(node, "verdict.punt")
    ? [build.when(isKind(verdict, "punt"), punt(composer, decided))]
    : [];
  const copies = floods(node) ? [build.when(isKind(verdict, "flood"), flood(composer, decided))] : [];
  return [
    build.when(isKind(verdict, "forward"), forward(composer, decided)),
    build.when(isKind(verdict, "toHost"), toHost(composer, decided)),
    ...copies,
    ...punts,
    ...composer.dropFor(reason),
  ];
}

/**
 * Ports that lead to functions are told apart first; all others are devices, found by the port's number. What many
 * ports have in common is there once: a switch has room for 64 of them, and each may lead to a pipeline.
 */
function forward(composer: Composer, decided: Decided): readonly Statement[] {
  const { stage, node } = decided;
  const to = composer.variable(`${node.instance} exit`, composer.use(decided.verdict.argument), "u32");
  const port = composer.use(to.local);
  const numbersOf = (kind: Exit["kind"]): readonly number[] =>
    stage.exits.flatMap((exit, number) => (exit.kind === kind ? [number] : []));
  const [devices, pipelines] = [numbersOf("device"), numbersOf("pipeline")];
  const unlinked = stage.exits.flatMap(({ kind }, number) => (kind === "unlinked" || kind === "never" ? [number] : []));
  const shared = pipelines.length > 1;
  const special = stage.exits.flatMap((exit, number): Statement[] => {
    const isElsewhere = exit.kind === "device" || exit.kind === "unlinked" || exit.kind === "never";
    if (isElsewhere || (shared && exit.kind === "pipeline")) return [];
    return [build.when(build.compare("equal", port, build.number(number)), leaveBy(composer, decided, exit, number))];
  });
  const elsewhere = shared ? [build.when(isOneOf(port, pipelines), continueByPort(composer, decided, port))] : [];
  const nowhere = composer.drop(node, "unlinked", decided.port);
  const guarded = devices.length > 0 && unlinked.length > 0 ? [build.when(isOneOf(port, unlinked), nowhere)] : [];
  return [
    to.statement,
    ...special,
    ...guarded,
    ...elsewhere,
    ...(devices.length > 0 ? toDevice(composer, decided, port) : nowhere),
  ];
}

/** Whether a number is in a list, which is ascending and not empty: by the list's ranges. */
function isOneOf(value: Expression, numbers: readonly number[]): Expression {
  const ranges: { readonly from: number; to: number }[] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.to === number - 1) last.to = number;
    else ranges.push({ from: number, to: number });
  }
  const tests = ranges.map(({ from, to }) => {
    if (from === to) return build.compare("equal", value, build.number(from));
    const below = build.compare("lessEqual", value, build.number(to));
    return from === 0 ? below : build.both(build.compare("greaterEqual", value, build.number(from)), below);
  });
  return tests.reduce((left, right) => build.oneOf(left, right));
}

/** Each generation has its own device for a port, so that a port that is linked anew changes with all the rest. */
function toDevice(composer: Composer, { node, entry }: Decided, port: Expression): readonly Statement[] {
  const identity = composer.variable("out", build.add(build.number(node.firstPort), port), "u32");
  const doubled = build.binary("multiply", composer.use(identity.local), build.number(2));
  const key = build.convert("u32", build.add(doubled, composer.use(entry.parity)));
  const map = composer.table("devices");
  return [
    identity.statement,
    ...countOut(composer, composer.use(identity.local)),
    ...handled(composer, "out"),
    build.giveBack(build.operation("verdict.redirectMap", [key], verdictType, { map })),
  ];
}

/** What was handled here passes the entries on its way on: that of the device that it leaves by or arrives on. */
export function handled({ pipeline }: Composer, way: "in" | "out"): readonly Statement[] {
  if (pipeline.hook === "xdp") return [];
  const constants = [way === "in" ? 0 : 1];
  return [build.evaluate(build.operation("packet.markHandled", [], voidType, { constants }))];
}

/**
 * To the stack, as received on the device that the packet came in on. What the host itself sent would leave the device
 * if it were passed: it is turned round.
 */
function toHost(composer: Composer, { entry }: Decided): readonly Statement[] {
  if (composer.pipeline.hook === "xdp") return [build.giveBack(build.pass())];
  const fromHost = build.compare("notEqual", composer.field(entry.scratch, "fromHost"), build.number(0));
  const device = build.operation("packet.device", [], numberType);
  const turned = build.operation("verdict.redirectIngress", [device], verdictType);
  return [build.when(fromHost, [...handled(composer, "in"), build.giveBack(turned)]), build.giveBack(build.pass())];
}

/** To the stack, as if the device with this identity of a port had received the packet. */
function toHostOf(composer: Composer, { node, entry }: Decided, number: number): readonly Statement[] {
  const first = build.number(2 * (node.firstPort + number));
  const key = build.convert("u32", build.add(first, composer.use(entry.parity)));
  const map = composer.table("devices");
  if (composer.pipeline.hook === "tcx") {
    return [
      ...handled(composer, "in"),
      build.giveBack(build.operation("verdict.deliverMap", [key], verdictType, { map })),
    ];
  }
  const device = composer.variable("host device", composer.lookup("devices", key));
  const own = build.operation("packet.ingressIfindex", [], numberType);
  const same = build.compare("equal", composer.field(device.local, "ifindex"), own);
  const here = build.both(build.present(composer.use(device.local)), same);
  return [device.statement, build.when(here, [build.giveBack(build.pass())]), ...composer.drop(node, "otherHost")];
}

function countOut(composer: Composer, identity: Expression): readonly Statement[] {
  return composer.count("ports", identity, "outPackets", "outBytes");
}

function leaveBy(composer: Composer, decided: Decided, exit: Exit, number: number): readonly Statement[] {
  const { node, entry } = decided;
  const counted = countOut(composer, build.number(node.firstPort + number));
  switch (exit.kind) {
    case "unlinked":
    case "never":
      return composer.drop(node, "unlinked", decided.port);
    case "stage":
      return [...counted, ...composer.stage(exit.stage, build.number(exit.port), entry)];
    case "pipeline":
      return [...counted, ...continueIn(composer, decided, exit)];
    case "host":
      return [...counted, ...toHostOf(composer, decided, number)];
    case "device":
      return toDevice(composer, decided, build.number(number));
  }
}

type PipelineExit = Extract<Exit, { readonly kind: "pipeline" }>;

/** A tail call into the pipeline of another function. It returns only after too many of them. */
function continueIn(composer: Composer, decided: Decided, exit: PipelineExit): readonly Statement[] {
  return goOn(composer, decided, {
    slot: build.number(2 * composer.slotOf(exit.instance)),
    port: build.number(exit.port),
  });
}

/** The same for several ports, by the number of the port. */
function continueByPort(composer: Composer, decided: Decided, port: Expression): readonly Statement[] {
  const exits = decided.stage.exits.flatMap((exit, number) => (exit.kind === "pipeline" ? [{ exit, number }] : []));
  const slot = composer.variable("slot", build.number(0), "u32");
  const target = composer.variable("target", build.number(0), "u32");
  const set = (local: number, value: number): Statement => build.assign(local, build.number(value));
  const choices = exits.map(({ exit, number }) =>
    build.when(build.compare("equal", port, build.number(number)), [
      set(slot.local, 2 * composer.slotOf(exit.instance)),
      set(target.local, exit.port),
    ]),
  );
  const identity = build.convert("u32", build.add(build.number(decided.node.firstPort), port));
  return [
    ...countOut(composer, identity),
    slot.statement,
    target.statement,
    ...choices,
    ...goOn(composer, decided, { slot: composer.use(slot.local), port: composer.use(target.local) }),
  ];
}

function goOn(
  composer: Composer,
  { node, port, entry }: Decided,
  to: { readonly slot: Expression; readonly port: Expression },
): readonly Statement[] {
  const target = build.field(build.unwrap(composer.use(entry.scratch)), "port");
  const bounded = build.convert("u32", build.add(to.slot, composer.use(entry.parity)));
  const call = build.operation("program.tailCall", [bounded], voidType, { map: composer.table("slots") });
  return [
    build.store(target, to.port),
    ...composer.metadata.keep(composer, entry.scratch),
    ...composer.observer.keep(entry.scratch),
    build.evaluate(call),
    ...composer.drop(node, "tooManyHops", port),
  ];
}

function punt(composer: Composer, { node, verdict, port }: Decided): readonly Statement[] {
  const tag = readTagBeside(composer);
  const header = build.newStruct(Punt, [
    { path: [0], value: build.number(node.id) },
    { path: [1], value: composer.use(verdict.argument) },
    { path: [2], value: composer.use(port) },
    { path: [3], value: composer.use(tag.local) },
  ]);
  const sent = build.operation("ring.emitPacket", [header], boolType, { map: composer.table("punts") });
  return [
    ...tag.statements,
    build.when(sent, [build.giveBack(build.drop())]),
    ...composer.drop(node, "puntsFull", port),
  ];
}
