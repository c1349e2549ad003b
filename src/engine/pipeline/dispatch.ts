import * as build from "../../compiler/hir/build.ts";
import type { Expression, Statement } from "../../compiler/hir/tree.ts";
import { boolType, verdictType, voidType } from "../../compiler/hir/types.ts";
import type { Composer, EntryLocals } from "./compose.ts";
import type { Exit, Stage } from "./cut.ts";
import { flood, floods } from "./flood.ts";
import { Punt } from "./tables.ts";
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
    build.when(isKind(verdict, "toHost"), [build.giveBack(build.pass())]),
    ...copies,
    ...punts,
    ...composer.dropFor(reason),
  ];
}

/** Ports that lead to functions are told apart first; all others are devices, found by the port's number. */
function forward(composer: Composer, decided: Decided): readonly Statement[] {
  const { stage, node } = decided;
  const to = composer.variable(`${node.instance} exit`, composer.use(decided.verdict.argument), "u32");
  const port = composer.use(to.local);
  const devices = stage.exits.some((exit) => exit.kind === "device");
  const special = stage.exits.flatMap((exit, number): Statement[] => {
    if (exit.kind === "device") return [];
    const here = build.compare("equal", port, build.number(number));
    return [build.when(here, leaveBy(composer, decided, exit, number))];
  });
  return [
    to.statement,
    ...special,
    ...(devices ? toDevice(composer, decided, port) : composer.drop(node, "unlinked", decided.port)),
  ];
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
    build.giveBack(build.operation("verdict.redirectMap", [key], verdictType, { map })),
  ];
}

function countOut(composer: Composer, identity: Expression): readonly Statement[] {
  return composer.count("ports", identity, "outPackets", "outBytes");
}

function leaveBy(composer: Composer, decided: Decided, exit: Exit, number: number): readonly Statement[] {
  const { node, entry } = decided;
  const counted = countOut(composer, build.number(node.firstPort + number));
  switch (exit.kind) {
    case "unlinked":
      return composer.drop(node, "unlinked", decided.port);
    case "stage":
      return [...counted, ...composer.stage(exit.stage, build.number(exit.port), entry)];
    case "pipeline":
      return [...counted, ...continueIn(composer, decided, exit)];
    case "host":
      return [...counted, build.giveBack(build.pass())];
    case "device":
      return toDevice(composer, decided, build.number(number));
  }
}

/** A tail call into the pipeline of another function. It returns only after too many of them. */
function continueIn(
  composer: Composer,
  { node, port, entry }: Decided,
  exit: Extract<Exit, { readonly kind: "pipeline" }>,
): readonly Statement[] {
  const target = build.field(build.unwrap(composer.use(entry.scratch)), "port");
  const slot = build.add(build.number(2 * composer.slotOf(exit.instance)), composer.use(entry.parity));
  const bounded = build.convert("u32", slot);
  const call = build.operation("program.tailCall", [bounded], voidType, { map: composer.table("slots") });
  return [
    build.store(target, build.number(exit.port)),
    ...composer.metadata.keep(composer, entry.scratch),
    ...composer.observer.keep(entry.scratch),
    build.evaluate(call),
    ...composer.drop(node, "tooManyHops", port),
  ];
}

function punt(composer: Composer, { node, verdict, port }: Decided): readonly Statement[] {
  const header = build.newStruct(Punt, [
    { path: [0], value: build.number(node.id) },
    { path: [1], value: composer.use(verdict.argument) },
    { path: [2], value: composer.use(port) },
  ]);
  const sent = build.operation("ring.emitPacket", [header], boolType, { map: composer.table("punts") });
  return [build.when(sent, [build.giveBack(build.drop())]), ...composer.drop(node, "puntsFull", port)];
}
