import { operationNamed } from "../../language/operations.ts";
import type { Expression, OperationExpression, Routine, Statement } from "../hir/tree.ts";
import { type Node, walk } from "../hir/walk.ts";

/** How many times each local gets a value. */
export function countBindings(body: readonly Statement[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  walk(body, (node) => {
    if (node.kind === "let" || node.kind === "assign") counts.set(node.local, (counts.get(node.local) ?? 0) + 1);
  });
  return counts;
}

/** All uses of one operation. */
export function operationsNamed(body: readonly Statement[], name: string): readonly OperationExpression[] {
  const found: OperationExpression[] = [];
  walk(body, (node: Node | Expression) => {
    if (node.kind === "operation" && node.operation === name) found.push(node);
  });
  return found;
}

export interface BodyVariables {
  readonly mentioned: ReadonlySet<number>;
  readonly assigned: ReadonlySet<number>;
  /** Declared in the body itself. */
  readonly defined: ReadonlySet<number>;
  /** Whether an operation in the body makes packet views stale. */
  readonly movesPacket: boolean;
}

/**
 * The locals through which a body writes to local storage, its own and others: those that a store names, and those
 * that locals of the body which a store names were bound to.
 */
export function writtenStorage(body: readonly Statement[]): ReadonlySet<number> {
  const written = new Set<number>();
  const bound = new Map<number, Expression[]>();
  const name = (target: Expression): void => {
    walk([target], (node) => {
      if (node.kind !== "local" || written.has(node.local)) return;
      written.add(node.local);
      for (const value of bound.get(node.local) ?? []) name(value);
    });
  };
  walk(body, (node) => {
    if (node.kind === "let" && node.value) bound.set(node.local, [...(bound.get(node.local) ?? []), node.value]);
  });
  walk(body, (node) => {
    if ((node.kind === "store" || node.kind === "copy") && isLocalStorage(node.target)) name(node.target);
  });
  return written;
}

function isLocalStorage({ type }: Expression): boolean {
  return type.kind === "ref" && type.region === "local";
}

/** What a loop's body does to variables. */
export function variablesOfBody(body: readonly Statement[]): BodyVariables {
  const [mentioned, assigned, defined] = [new Set<number>(), new Set<number>(), new Set<number>()];
  let movesPacket = false;
  walk(body, (node) => {
    if (node.kind === "let" || node.kind === "for") defined.add(node.local);
    if (node.kind === "assign") assigned.add(node.local);
    if (node.kind === "assign" || node.kind === "local") mentioned.add(node.local);
    if (node.kind === "operation") movesPacket ||= operationNamed(node.operation)?.invalidatesPacket === true;
  });
  return { mentioned, assigned, defined, movesPacket };
}

/** The references from outside of a loop's body of which it asks whether they are there. */
export function askedReferences(body: readonly Statement[], { locals }: Routine): ReadonlySet<number> {
  const { defined } = variablesOfBody(body);
  const asked = new Set<number>();
  const addFromOutside = (node: Node): void => {
    if (node.kind !== "local" || defined.has(node.local)) return;
    const { type } = locals[node.local]!;
    if (type.kind === "optional" && type.of.kind === "ref") asked.add(node.local);
  };
  walk(body, (node) => {
    if (node.kind === "present") walk([node.value], addFromOutside);
  });
  return asked;
}
