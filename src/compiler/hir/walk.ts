import type { Expression, Statement } from "./tree.ts";

export type Node = Statement | Expression;
export type NodeKind = Node["kind"];

type ChildrenTable = { readonly [K in NodeKind]: (node: Extract<Node, { readonly kind: K }>) => readonly Node[] };

const none: readonly Node[] = [];
const maybe = (node: Node | undefined): readonly Node[] => (node ? [node] : none);

/** The direct children of every kind of node, in the order in which they are evaluated. */
const children: ChildrenTable = {
  let: (node) => maybe(node.value),
  assign: (node) => [node.value],
  store: (node) => [node.target, node.value],
  copy: (node) => [node.target, node.source],
  expression: (node) => [node.value],
  if: (node) => [node.test, ...node.then, ...node.otherwise],
  switch: (node) => [node.value, ...node.cases.flatMap((one) => one.body), ...node.otherwise],
  for: (node) => [node.from, node.to, ...node.body],
  block: (node) => node.body,
  break: () => none,
  continue: () => none,
  return: (node) => maybe(node.value),
  lock: (node) => [node.lock, ...node.body],

  constant: () => none,
  local: () => none,
  setting: () => none,
  load: (node) => [node.ref],
  field: (node) => [node.base],
  element: (node) => [node.base, node.index],
  kernelField: (node) => [node.base],
  unary: (node) => [node.value],
  binary: (node) => [node.left, node.right],
  compare: (node) => [node.left, node.right],
  logical: (node) => [node.left, node.right],
  convert: (node) => [node.value],
  conditional: (node) => [node.test, node.then, node.otherwise],
  some: (node) => [node.value],
  none: () => none,
  present: (node) => [node.value],
  unwrap: (node) => [node.value],
  new: (node) => node.fields.map((field) => field.value),
  sequence: (node) => [...node.body, node.value],
  operation: (node) => node.args,
  match: (node) => node.subjects.map((subject) => subject.value),
};

/** The direct children of a node, in evaluation order. */
export function childrenOf(node: Node): readonly Node[] {
  return (children[node.kind] as (node: Node) => readonly Node[])(node);
}

/** Visits nodes and all that is below them, parents first. `visit` returning false skips what is below. */
export function walk(nodes: readonly Node[], visit: (node: Node) => unknown): void {
  for (const node of nodes) {
    if (visit(node) !== false) walk(childrenOf(node), visit);
  }
}

/** Whether some node at or below these satisfies a test. */
export function someNode(nodes: readonly Node[], test: (node: Node) => boolean): boolean {
  return nodes.some((node) => test(node) || someNode(childrenOf(node), test));
}
