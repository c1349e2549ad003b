import type ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { interfaceLimits, metadataType } from "../../hir/interface.ts";
import type { MetadataSlot, ModuleInterface, Reason } from "../../hir/tree.ts";
import { verdictType, voidType } from "../../hir/types.ts";
import * as build from "../build.ts";
import { toType } from "../coerce.ts";
import type { Frame } from "../frame.ts";
import { builtin, numberConstant, poison, type RecordValue, runtime, type Value } from "../values.ts";
import { constantText, numberOption, options, values } from "./arguments.ts";
import type { Library, LibraryEntry } from "./index.ts";
import { requireKind } from "./kinds.ts";
import { layoutOf } from "./layouts.ts";
import { numberOperation, verdict } from "./packet.ts";

export const graphLibrary: Library = {
  fixedPorts: () => builtin("fixedPorts", fixedPorts),
  dynamicPorts: () => builtin("dynamicPorts", dynamicPorts),
  dropReasons: declaresReasons("dropReasons", "drop reasons", 1),
  puntReasons: declaresReasons("puntReasons", "punt reasons", 0),
  metadata: () => builtin("metadata", metadata),
  forward: () => numberOperation("verdict.forward", verdictType),
  flood: () => numberOperation("verdict.flood", verdictType),
  drop: reasoned("drop", "verdict.dropFor", "drop reasons"),
  punt: reasoned("punt", "verdict.punt", "punt reasons"),
  toHost: verdict("verdict.pass"),
};

/** What ports, reasons and metadata may be called: ports stand in links, `instance.port`. */
const namePattern = /^[a-zA-Z][a-zA-Z0-9]{0,30}$/;

/** What is wrong with a declaration's names. */
function namesFault(names: readonly string[]): string | undefined {
  if (names.length === 0) return "there is no name";
  if (names.length > interfaceLimits.names) return `there are more than ${interfaceLimits.names}`;
  const odd = names.find((name) => !namePattern.test(name));
  if (odd !== undefined) return `"${odd}" is no name: a letter, then letters and digits, 31 at most`;
  const twice = names.find((name, index) => names.indexOf(name) < index);
  return twice === undefined ? undefined : `"${twice}" stands there twice`;
}

/** Adds a declaration to the module's interface; its value, or poison when it may not stand here. */
function declare(
  frame: Frame,
  call: ts.CallExpression,
  what: string,
  change: Partial<ModuleInterface>,
  value: Value,
): Value {
  const { session } = frame;
  const [key] = Object.keys(change) as (keyof ModuleInterface)[];
  const before = session.interface[key!];
  if (Array.isArray(before) ? before.length > 0 : before) return frame.fail(call, messages.declaredTwice(what));
  session.interface = { ...session.interface, ...change };
  return value;
}

function atModuleScope(frame: Frame): boolean {
  return !frame.inProgram && frame.state.hint !== "";
}

function fixedPorts(frame: Frame, call: ts.CallExpression): Value {
  if (!atModuleScope(frame)) return frame.fail(call, messages.misplaced("ports"));
  const given = values(frame, call)?.map((value) => constantText(frame, value, "the name of a port", call));
  if (!given || given.includes(undefined)) return poison;
  const names = given as string[];
  const fault = namesFault(names);
  if (fault) return frame.fail(call, messages.badInterface("these ports", fault));
  const members = new Map(names.map((name, index): [string, Value] => [name, numberConstant(index)]));
  return declare(frame, call, "ports", { ports: { kind: "fixed", names } }, { kind: "record", members });
}

function dynamicPorts(frame: Frame, call: ts.CallExpression): Value {
  if (!atModuleScope(frame)) return frame.fail(call, messages.misplaced("ports"));
  const record = options(frame, values(frame, call)?.[0], call);
  const maximum = record && numberOption(frame, record, "maximum", call);
  if (maximum === undefined) return poison;
  if (maximum < 1 || maximum > interfaceLimits.ports)
    return frame.fail(call, messages.badInterface("these ports", `there are 1 to ${interfaceLimits.ports}`));
  const value: RecordValue = { kind: "record", members: new Map([["maximum", numberConstant(maximum)]]) };
  return declare(frame, call, "ports", { ports: { kind: "dynamic", maximum } }, value);
}

function declaresReasons(key: "dropReasons" | "puntReasons", what: string, first: number): LibraryEntry {
  return () =>
    builtin(key, (frame, call) => {
      if (!atModuleScope(frame)) return frame.fail(call, messages.misplaced(what));
      const record = options(frame, values(frame, call)?.[0], call);
      if (!record) return poison;
      const reasons: Reason[] = [];
      for (const [name, value] of record.members) {
        const description = constantText(frame, value, "the description of a reason", call);
        if (description === undefined) return poison;
        reasons.push({ name, description });
      }
      const fault = namesFault(reasons.map((one) => one.name));
      if (fault) return frame.fail(call, messages.badInterface(`these ${what}`, fault));
      const members = new Map(reasons.map(({ name }, index): [string, Value] => [name, numberConstant(first + index)]));
      return declare(frame, call, what, { [key]: reasons }, { kind: "record", members });
    });
}

/** A verdict with a reason of the module's own declaration. */
function reasoned(name: string, operation: "verdict.dropFor" | "verdict.punt", what: string): LibraryEntry {
  return () =>
    builtin(name, (frame, call) => {
      if (!requireKind(frame, operation, call)) return poison;
      const [given] = values(frame, call) ?? [];
      if (!given) return poison;
      const { dropReasons, puntReasons } = frame.session.interface;
      const number = given.kind === "constant" && given.type === "number" ? Number(given.value) : Number.NaN;
      const known = operation === "verdict.punt" ? puntReasons[number] : dropReasons[number - 1];
      if (!known) return frame.fail(call, messages.foreignReason(what));
      return runtime(build.operation(operation, [], verdictType, frame.at(call), { constants: [number] }));
    });
}

function metadata(frame: Frame, call: ts.CallExpression): Value {
  if (!atModuleScope(frame)) return frame.fail(call, messages.misplaced("metadata"));
  const [text, of] = values(frame, call) ?? [];
  const name = text && constantText(frame, text, "the name of metadata", call);
  const layout = of && layoutOf(frame, of, call);
  if (name === undefined || !layout) return poison;
  const width = layout.kind === "bool" ? "bool" : layout.kind === "integer" ? (`u${layout.bits}` as const) : undefined;
  const plain = layout.kind !== "integer" || (!layout.signed && layout.order === "native");
  const fault = width && plain ? namesFault([name]) : "the type is one of bool, u8, u16, u32, u64";
  if (!width || fault) return frame.fail(call, messages.badInterface("these metadata", fault!));
  const { session } = frame;
  const known = session.interface.metadata.findIndex((one) => one.name === name);
  if (known < 0) {
    if (session.interface.metadata.length === interfaceLimits.names)
      return frame.fail(call, messages.badInterface("these metadata", `there are more than ${interfaceLimits.names}`));
    session.interface = { ...session.interface, metadata: [...session.interface.metadata, { name, width }] };
  } else if (session.interface.metadata[known]!.width !== width) {
    const before = session.interface.metadata[known]!.width;
    return frame.fail(call, messages.badInterface("these metadata", `"${name}" is declared as ${before}, too`));
  }
  return metadataObject({ name, width }, known < 0 ? session.interface.metadata.length - 1 : known);
}

function metadataObject(slot: MetadataSlot, index: number): Value {
  const type = metadataType(slot);
  const parts = { constants: [index] };
  const members: Readonly<Record<string, Value>> = {
    get: builtin("get", (frame, call) => {
      if (!frame.inProgram) return frame.fail(call, messages.runtimeAtModuleScope("metadata"));
      if (!requireKind(frame, "metadata.get", call)) return poison;
      return runtime(build.operation("metadata.get", [], type, frame.at(call), parts));
    }),
    set: builtin("set", (frame, call) => {
      if (!frame.inProgram) return frame.fail(call, messages.runtimeAtModuleScope("metadata"));
      if (!requireKind(frame, "metadata.set", call)) return poison;
      const [given] = values(frame, call) ?? [];
      const value = given && toType(frame, given, type, call.arguments[0]!);
      return value ? runtime(build.operation("metadata.set", [value], voidType, frame.at(call), parts)) : poison;
    }),
  };
  return {
    kind: "object",
    what: "metadata",
    member: (_, name) => (Object.hasOwn(members, name) ? members[name] : undefined),
  };
}
