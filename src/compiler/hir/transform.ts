import type { Expression, Statement } from "./tree.ts";

/** What is made of the expressions and the statement lists below a node. */
export interface Transform {
  expression(node: Expression): Expression;
  body(body: readonly Statement[]): readonly Statement[];
}

type ExpressionRules = {
  readonly [K in Expression["kind"]]: (node: Extract<Expression, { readonly kind: K }>, t: Transform) => Expression;
};

type StatementRules = {
  readonly [K in Statement["kind"]]: (node: Extract<Statement, { readonly kind: K }>, t: Transform) => Statement;
};

const expressions: ExpressionRules = {
  constant: (node) => node,
  local: (node) => node,
  setting: (node) => node,
  load: (node, t) => ({ ...node, ref: t.expression(node.ref) }),
  field: (node, t) => ({ ...node, base: t.expression(node.base) }),
  element: (node, t) => ({ ...node, base: t.expression(node.base), index: t.expression(node.index) }),
  kernelField: (node, t) => ({ ...node, base: t.expression(node.base) }),
  unary: (node, t) => ({ ...node, value: t.expression(node.value) }),
  binary: (node, t) => ({ ...node, left: t.expression(node.left), right: t.expression(node.right) }),
  compare: (node, t) => ({ ...node, left: t.expression(node.left), right: t.expression(node.right) }),
  logical: (node, t) => ({ ...node, left: t.expression(node.left), right: t.expression(node.right) }),
  convert: (node, t) => ({ ...node, value: t.expression(node.value) }),
  conditional: (node, t) => ({
    ...node,
    test: t.expression(node.test),
    then: t.expression(node.then),
    otherwise: t.expression(node.otherwise),
  }),
  some: (node, t) => ({ ...node, value: t.expression(node.value) }),
  none: (node) => node,
  present: (node, t) => ({ ...node, value: t.expression(node.value) }),
  unwrap: (node, t) => ({ ...node, value: t.expression(node.value) }),
  new: (node, t) => ({
    ...node,
    fields: node.fields.map((field) => ({ ...field, value: t.expression(field.value) })),
  }),
  sequence: (node, t) => ({ ...node, body: t.body(node.body), value: t.expression(node.value) }),
  operation: (node, t) => ({ ...node, args: node.args.map((argument) => t.expression(argument)) }),
  match: (node, t) => ({
    ...node,
    subjects: node.subjects.map((subject) => ({ ...subject, value: t.expression(subject.value) })),
  }),
};

const statements: StatementRules = {
  let: (node, t) => (node.value ? { ...node, value: t.expression(node.value) } : node),
  assign: (node, t) => ({ ...node, value: t.expression(node.value) }),
  store: (node, t) => ({ ...node, target: t.expression(node.target), value: t.expression(node.value) }),
  copy: (node, t) => ({ ...node, target: t.expression(node.target), source: t.expression(node.source) }),
  expression: (node, t) => ({ ...node, value: t.expression(node.value) }),
  if: (node, t) => ({
    ...node,
    test: t.expression(node.test),
    then: t.body(node.then),
    otherwise: t.body(node.otherwise),
  }),
  switch: (node, t) => ({
    ...node,
    value: t.expression(node.value),
    cases: node.cases.map((one) => ({ ...one, body: t.body(one.body) })),
    otherwise: t.body(node.otherwise),
  }),
  for: (node, t) => ({ ...node, from: t.expression(node.from), to: t.expression(node.to), body: t.body(node.body) }),
  block: (node, t) => ({ ...node, body: t.body(node.body) }),
  break: (node) => node,
  continue: (node) => node,
  return: (node, t) => (node.value ? { ...node, value: t.expression(node.value) } : node),
  lock: (node, t) => ({ ...node, lock: t.expression(node.lock), body: t.body(node.body) }),
};

/** A copy of an expression with its direct children transformed. */
export function mapExpression(node: Expression, transform: Transform): Expression {
  return (expressions[node.kind] as (node: Expression, t: Transform) => Expression)(node, transform);
}

/** A copy of a statement with its direct children transformed. */
export function mapStatement(node: Statement, transform: Transform): Statement {
  return (statements[node.kind] as (node: Statement, t: Transform) => Statement)(node, transform);
}
