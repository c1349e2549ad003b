import type { Expression, Statement } from "./tree.ts";

export type Node = Statement | Expression;
export type NodeKind = Node["kind"];

const statementKinds: Readonly<Record<Statement["kind"], true>> = {
  ...{ let: true, assign: true, store: true, copy: true, expression: true, return: true },
  ...{ if: true, switch: true, for: true, block: true, lock: true, break: true, continue: true },
};

export function isStatement(node: Node): node is Statement {
  return Object.hasOwn(statementKinds, node.kind);
}

type Test = (node: Node) => boolean;

/**
 * Whether a direct child of the node satisfies a test; children are asked in the order in which they are evaluated. All
 * walks are made of it: it makes no lists, which took a twentieth of a compile.
 */
function someChild(node: Node, test: Test): boolean {
  switch (node.kind) {
    case "break":
    case "continue":
    case "constant":
    case "local":
    case "setting":
    case "none":
      return false;
    case "let":
    case "return":
      return node.value !== undefined && test(node.value);
    case "assign":
    case "expression":
    case "unary":
    case "convert":
    case "some":
    case "present":
    case "unwrap":
      return test(node.value);
    case "load":
      return test(node.ref);
    case "field":
    case "kernelField":
      return test(node.base);
    case "store":
      return test(node.target) || test(node.value);
    case "copy":
      return test(node.target) || test(node.source);
    case "element":
      return test(node.base) || test(node.index);
    case "binary":
    case "compare":
    case "logical":
      return test(node.left) || test(node.right);
    case "if":
      return test(node.test) || node.then.some(test) || node.otherwise.some(test);
    case "switch":
      return test(node.value) || node.cases.some((one) => one.body.some(test)) || node.otherwise.some(test);
    case "for":
      return test(node.from) || test(node.to) || node.body.some(test);
    case "block":
      return node.body.some(test);
    case "lock":
      return test(node.lock) || node.body.some(test);
    case "conditional":
      return test(node.test) || test(node.then) || test(node.otherwise);
    case "new":
      return node.fields.some((field) => test(field.value));
    case "sequence":
      return node.body.some(test) || test(node.value);
    case "operation":
      return node.args.some(test);
    case "match":
      return node.subjects.some((subject) => test(subject.value));
  }
}

/** Visits the direct children of a node, in evaluation order. */
export function forEachChild(node: Node, visit: (child: Node) => void): void {
  someChild(node, (child) => {
    visit(child);
    return false;
  });
}

/** The direct children of a node, in evaluation order. */
export function childrenOf(node: Node): readonly Node[] {
  const children: Node[] = [];
  someChild(node, (child) => {
    children.push(child);
    return false;
  });
  return children;
}

/** Visits nodes and all that is below them, parents first. `visit` returning false skips what is below. */
export function walk(nodes: readonly Node[], visit: (node: Node) => unknown): void {
  const enter: Test = (node) => visit(node) !== false && someChild(node, enter);
  nodes.some(enter);
}

/** Whether some node at or below these satisfies a test. */
export function someNode(nodes: readonly Node[], test: Test): boolean {
  const enter: Test = (node) => test(node) || someChild(node, enter);
  return nodes.some(enter);
}
