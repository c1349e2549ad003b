import type { BinaryOperator, CompareOperator, Expression, Statement } from "./tree.ts";

/** How names inside of an expression are printed. */
export interface ExpressionNames {
  readonly local: (index: number) => string;
  readonly map: (index: number) => string;
  readonly body: (body: readonly Statement[]) => string;
}

const binarySigns: Readonly<Record<BinaryOperator, string>> = {
  add: "+",
  subtract: "-",
  multiply: "*",
  divide: "/",
  remainder: "%",
  and: "&",
  or: "|",
  xor: "^",
  shiftLeft: "<<",
  shiftRight: ">>",
  shiftRightUnsigned: ">>>",
};

const compareSigns: Readonly<Record<CompareOperator, string>> = {
  equal: "==",
  notEqual: "!=",
  less: "<",
  lessEqual: "<=",
  greater: ">",
  greaterEqual: ">=",
};

type Rules = {
  readonly [K in Expression["kind"]]: (
    node: Extract<Expression, { readonly kind: K }>,
    show: (node: Expression) => string,
    names: ExpressionNames,
  ) => string;
};

/** An expression on one line. u64 and i64 operators carry their type behind the sign. */
export function printExpression(node: Expression, names: ExpressionNames): string {
  const show = (inner: Expression): string => printExpression(inner, names);
  return (rules[node.kind] as (node: Expression, show: unknown, names: ExpressionNames) => string)(node, show, names);
}

function suffix(node: Expression): string {
  return node.type.kind === "u64" || node.type.kind === "i64" ? `.${node.type.kind}` : "";
}

const rules: Rules = {
  constant: (node) => `${node.value}${suffix(node)}`,
  local: (node, _, names) => names.local(node.local),
  setting: (node) => `settings.${node.path.join(".")}`,
  load: (node, show) => `*${show(node.ref)}`,
  field: (node, show) => `${show(node.base)}.${fieldName(node.base, node.field)}`,
  element: (node, show) => `${show(node.base)}[${show(node.index)}]`,
  kernelField: (node, show) => `${show(node.base)}->${node.path.join(".")}`,
  unary: (node, show) => `${{ negate: "-", not: "!", bitNot: "~" }[node.operator]}${suffix(node)}${show(node.value)}`,
  binary: (node, show) => `(${show(node.left)} ${binarySigns[node.operator]}${suffix(node)} ${show(node.right)})`,
  compare: (node, show) =>
    `(${show(node.left)} ${compareSigns[node.operator]}${suffix(node.left)} ${show(node.right)})`,
  logical: (node, show) => `(${show(node.left)} ${node.operator === "and" ? "&&" : "||"} ${show(node.right)})`,
  convert: (node, show) => `${node.to}(${show(node.value)})`,
  conditional: (node, show) => `(${show(node.test)} ? ${show(node.then)} : ${show(node.otherwise)})`,
  some: (node, show) => `some(${show(node.value)})`,
  none: () => "none",
  present: (node, show) => `present(${show(node.value)})`,
  unwrap: (node, show) => `unwrap(${show(node.value)})`,
  new(node, show) {
    const fields = node.fields.map((field) => `${field.path.join(".")}: ${show(field.value)}`);
    return `new ${"name" in node.type.layout ? node.type.layout.name : node.type.layout.kind}{${fields.join(", ")}}`;
  },
  sequence: (node, show, names) => `do { ${names.body(node.body)} => ${show(node.value)} }`,
  operation(node, show, names) {
    const map = node.map === undefined ? [] : [`@${names.map(node.map)}`];
    const layout = node.layout ? ["name" in node.layout ? node.layout.name : node.layout.kind] : [];
    const constants = (node.constants ?? []).map((value) => `#${value}`);
    return `${node.operation}(${[...map, ...node.args.map(show), ...layout, ...constants].join(", ")})`;
  },
  match(node, show) {
    const subjects = node.subjects.map((subject) => `${subject.field}: ${show(subject.value)}`);
    return `match(settings.${node.setting}, ${subjects.join(", ")})`;
  },
};

function fieldName(base: Expression, field: number): string {
  const layout = base.type.kind === "ref" ? base.type.layout : undefined;
  const fields = layout?.kind === "struct" || layout?.kind === "union" ? layout.fields : [];
  return fields[field]?.name ?? String(field);
}
