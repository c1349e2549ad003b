import { unpackPosition } from "../compiler/hir/position.ts";
import type { Module } from "../compiler/hir/tree.ts";
import { someNode } from "../compiler/hir/walk.ts";
import { IovisorError } from "../errors.ts";
import { type GraphOperation, operationNamed } from "../language/operations.ts";

/** How the operations that only a graph gives a meaning are written. */
const written: Readonly<Record<GraphOperation, string>> = {
  "packet.port": "packet.port",
  "verdict.forward": "forward()",
  "verdict.flood": "flood()",
  "verdict.dropFor": "drop(reason)",
  "verdict.punt": "punt()",
  "metadata.get": "metadata",
  "metadata.set": "metadata",
};

interface GraphUse {
  readonly what: string;
  readonly line: number;
}

/** The first place where a module does what only a graph gives a meaning. */
export function graphUse(module: Module): GraphUse | undefined {
  let found: GraphUse | undefined;
  for (const { body } of module.programs) {
    someNode(body, (node) => {
      if (node.kind !== "operation" || !operationNamed(node.operation)?.graph) return false;
      found = { what: written[node.operation as GraphOperation], line: unpackPosition(node.at).line };
      return true;
    });
    if (found) return found;
  }
  return undefined;
}

/** @throws E_USAGE for a function that belongs into a graph and was not composed to a pipeline. */
export function refuseAlone(module: Module): void {
  const use = graphUse(module);
  if (!use) return;
  throw new IovisorError(
    "E_USAGE",
    `${module.name} belongs into a graph: ${use.what}, line ${use.line}, has no meaning without one`,
    "link its ports in a graph; a function that stands alone returns Pass, Drop, transmit() or redirect(ifindex)",
  );
}
