import type { GraphOperation } from "../../../language/operations.ts";
import { limitsOf } from "../types.ts";
import type { Call, Rule } from "./operations.ts";
import { InterpreterTrap } from "./trap.ts";
import { asInteger, type Value } from "./values.ts";

function number({ node, args }: Call, index: number): number {
  return Number(asInteger(args[index], node.at));
}

function constant({ node }: Call): number {
  return node.constants?.[0] ?? 0;
}

function setMetadata({ node, args, machine }: Call): Value {
  const slot = machine.module.interface?.metadata[constant({ node, args, machine })];
  const [value] = args;
  if (!slot || (typeof value !== "bigint" && typeof value !== "boolean"))
    throw new InterpreterTrap("no such metadata", node.at);
  if (typeof value === "bigint" && slot.width !== "bool" && value > limitsOf(slot.width)[1])
    throw new InterpreterTrap(`${value} does not fit the metadata "${slot.name}"`, node.at);
  machine.metadata[constant({ node, args, machine })] = value;
  return undefined;
}

/** What a graph decides, as this function sees it. */
export const graphOperations = {
  "packet.port": ({ machine }) => BigInt(machine.input.port ?? 0),
  "verdict.forward": (call) => ({ name: "forward", graph: { port: number(call, 0) } }),
  "verdict.flood": (call) => ({ name: "flood", graph: { group: number(call, 0), tagControl: number(call, 1) } }),
  "verdict.dropFor": (call) => ({ name: "drop", graph: { reason: constant(call) } }),
  "verdict.punt": (call) => ({ name: "punt", graph: { reason: constant(call) } }),
  "metadata.get": (call) => call.machine.metadata[constant(call)],
  "metadata.set": setMetadata,
} satisfies Record<GraphOperation, Rule>;
