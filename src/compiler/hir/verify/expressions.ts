import { sameLayout, sameType } from "../equality.ts";
import type { Layout } from "../layout.ts";
import { settingAt } from "../settings-tree.ts";
import type { CompareExpression, Expression, MatchExpression, NewExpression, SettingType } from "../tree.ts";
import {
  boolType,
  limitsOf,
  loadedType,
  numberType,
  optionalType,
  type RefType,
  type ScalarType,
  type Type,
  u64Type,
} from "../types.ts";
import { typeOperation } from "./operations.ts";
import { type Scope, showType } from "./scope.ts";
import { type Path, under } from "./shape.ts";
import { expectRef, isInteger, typeCondition, typeStatements } from "./statements.ts";

type MatcherType = SettingType & { readonly kind: "matcher" };

type Rules = {
  readonly [K in Expression["kind"]]: (
    node: Extract<Expression, { readonly kind: K }>,
    path: Path,
    scope: Scope,
  ) => void;
};

/** Holds an expression and all below it against the typing rules. Its own `type` may be relied on afterwards. */
export function typeExpression(node: Expression, path: Path, scope: Scope): void {
  (rules[node.kind] as (node: Expression, path: Path, scope: Scope) => void)(node, path, scope);
}

const rules: Rules = {
  constant(node, path, scope) {
    const { type, value } = node;
    if (type.kind === "verdict") return scope.report.add(path, "a verdict is no constant");
    if ((type.kind === "bool") !== (typeof value === "boolean"))
      return scope.report.add(path, `the value does not fit type ${type.kind}`);
    const [low, high] = limitsOf(type.kind === "u64" ? "u64" : "i64");
    if (typeof value === "bigint" && (value < low || value > high))
      scope.report.add(path, `${value} is no ${type.kind}`);
  },
  local(node, path, scope) {
    const local = scope.visible(node.local, path);
    if (local) scope.expect(node.type, local.type, path, "the use of a local");
  },
  setting(node, path, scope) {
    const found = settingAt(scope.module.settings, node.path);
    if (!found) return scope.report.add(path, `no scalar setting "${node.path.join(".")}"`);
    scope.expect(node.type, found.type, path, "the setting");
    if (node.width === undefined || node.type.kind === "bool") return;
    const [low, high] = limitsOf(node.width);
    if (found.low < low || found.high > high)
      scope.report.add(path, `the setting is ${found.low} to ${found.high}, which is more than ${node.width}`);
  },
  load(node, path, scope) {
    typeExpression(node.ref, under(path, "ref"), scope);
    const ref = expectRef(node.ref, under(path, "ref"), scope);
    if (!ref) return;
    const loaded = loadedType(ref.layout);
    if (!loaded) scope.report.add(path, "loads an aggregate");
    else scope.expect(node.type, loaded, path, "the load");
  },
  field(node, path, scope) {
    typeExpression(node.base, under(path, "base"), scope);
    const base = expectRef(node.base, under(path, "base"), scope);
    if (!base) return;
    if (base.layout.kind !== "struct" && base.layout.kind !== "union")
      return scope.report.add(path, "a field of what is no struct");
    const field = base.layout.fields[node.field];
    if (!field) return scope.report.add(path, `${base.layout.name} has no field ${node.field}`);
    expectPart(node.type, base, field.layout, path, scope);
  },
  element(node, path, scope) {
    typeExpression(node.base, under(path, "base"), scope);
    typeExpression(node.index, under(path, "index"), scope);
    scope.expect(node.index.type, numberType, under(path, "index"), "the index");
    const base = expectRef(node.base, under(path, "base"), scope);
    if (!base) return;
    const element = elementOf(base.layout);
    if (!element) return scope.report.add(path, "an element of what is no array");
    expectPart(node.type, base, element, path, scope);
  },
  kernelField(node, path, scope) {
    typeExpression(node.base, under(path, "base"), scope);
    const base = expectRef(node.base, under(path, "base"), scope);
    if (!base) return;
    if (base.region !== "kernel" && base.region !== "context")
      return scope.report.add(path, `a kernel field of a ${base.region} reference`);
    if (base.layout.kind !== "struct" || base.layout.name !== node.struct)
      scope.report.add(path, `the base is no ${node.struct}`);
    const { type } = node;
    const value = type.kind === "optional" ? type.of : type;
    if (value.kind === "verdict" || value.kind === "void" || (value.kind === "ref" && value.region !== "kernel"))
      return scope.report.add(path, `a kernel field of type ${showType(type)}`);
    if (type.kind === "optional" && value.kind !== "ref") scope.report.add(path, "an optional scalar kernel field");
    if (node.width !== undefined) scope.expect(type, integerType(node.width), path, "the field");
  },
  unary(node, path, scope) {
    typeExpression(node.value, under(path, "value"), scope);
    scope.expect(node.value.type, node.type, under(path, "value"), "the operand");
    const fits = node.operator === "not" ? node.type.kind === "bool" : isInteger(node.type);
    if (!fits) scope.report.add(path, `${node.operator} of a ${showType(node.type)}`);
  },
  binary(node, path, scope) {
    typeExpression(node.left, under(path, "left"), scope);
    typeExpression(node.right, under(path, "right"), scope);
    if (!isInteger(node.type)) scope.report.add(path, `${node.operator} of a ${showType(node.type)}`);
    scope.expect(node.left.type, node.type, under(path, "left"), "the operand");
    scope.expect(node.right.type, node.type, under(path, "right"), "the operand");
  },
  compare(node, path, scope) {
    typeExpression(node.left, under(path, "left"), scope);
    typeExpression(node.right, under(path, "right"), scope);
    scope.expect(node.right.type, node.left.type, under(path, "right"), "the operand");
    scope.expect(node.type, boolType, path, "the comparison");
    if (!isComparable(node)) scope.report.add(path, `${node.operator} of ${showType(node.left.type)}`);
  },
  logical(node, path, scope) {
    typeCondition(node.left, under(path, "left"), scope);
    typeCondition(node.right, under(path, "right"), scope);
    scope.expect(node.type, boolType, path, "the operation");
  },
  convert(node, path, scope) {
    typeExpression(node.value, under(path, "value"), scope);
    if (!isInteger(node.value.type) && node.value.type.kind !== "bool")
      scope.report.add(path, `a conversion of a ${showType(node.value.type)}`);
    const wanted = node.to === "number" ? numberType : node.to === "bool" ? boolType : integerType(node.to);
    scope.expect(node.type, wanted, path, "the conversion");
  },
  conditional(node, path, scope) {
    typeCondition(node.test, under(path, "test"), scope);
    for (const side of ["then", "otherwise"] as const) {
      typeExpression(node[side], under(path, side), scope);
      scope.expect(node[side].type, node.type, under(path, side), "this side");
    }
  },
  some(node, path, scope) {
    typeExpression(node.value, under(path, "value"), scope);
    const of = node.value.type;
    if (of.kind === "optional" || of.kind === "void") scope.report.add(path, `an optional of a ${showType(of)}`);
    else scope.expect(node.type, optionalType(of), path, "the optional");
  },
  none(node, path, scope) {
    if (node.type.kind !== "optional") scope.report.add(path, `"none" of type ${showType(node.type)}`);
  },
  present(node, path, scope) {
    typeExpression(node.value, under(path, "value"), scope);
    scope.expect(node.type, boolType, path, "the test");
    if (node.value.type.kind !== "optional") scope.report.add(path, "tests the presence of what is not optional");
  },
  unwrap(node, path, scope) {
    typeExpression(node.value, under(path, "value"), scope);
    const { type } = node.value;
    if (type.kind !== "optional") scope.report.add(path, "unwraps what is not optional");
    else scope.expect(node.type, type.of, path, "the value");
  },
  new: typeNew,
  sequence(node, path, scope) {
    scope.expression(() => {
      typeStatements(node.body, under(path, "body"), scope);
      typeExpression(node.value, under(path, "value"), scope);
    });
    // A body that gives nothing still has a value in the tree: a constant, which nobody reads.
    if (node.type.kind !== "void") scope.expect(node.value.type, node.type, under(path, "value"), "the value");
    else if (node.value.kind !== "constant" && node.value.type.kind !== "void")
      scope.report.add(under(path, "value"), "a value in a sequence that gives none");
  },
  operation: (node, path, scope) => {
    node.args.forEach((argument, index) => {
      typeExpression(argument, under(under(path, "args"), index), scope);
    });
    typeOperation(node, path, scope);
  },
  match: typeMatch,
};

function expectPart(got: RefType, base: RefType, part: Layout, path: Path, scope: Scope): void {
  if (got.region !== base.region || !sameLayout(got.layout, part))
    scope.report.add(path, `a part of type ${showType(got)}, which the base does not have there`);
}

const byte: Layout = { kind: "integer", bits: 8, signed: false, order: "native" };

function elementOf(layout: Layout): Layout | undefined {
  if (layout.kind === "array") return layout.element;
  return layout.kind === "bytes" ? byte : undefined;
}

function integerType(name: string): ScalarType {
  if (name === "u64") return u64Type;
  return name === "i64" ? { kind: "i64" } : numberType;
}

function isComparable(node: CompareExpression): boolean {
  const { type } = node.left;
  if (isInteger(type)) return true;
  const of: Type = type.kind === "optional" ? type.of : type;
  return (node.operator === "equal" || node.operator === "notEqual") && (isInteger(of) || of.kind === "bool");
}

function typeNew(node: NewExpression, path: Path, scope: Scope): void {
  const { type } = node;
  if (type.region !== "local") scope.report.add(path, `new storage in region ${type.region}`);
  if (loadedType(type.layout) || type.layout.kind === "opaque") scope.report.add(path, "new storage of a scalar");
  node.fields.forEach((field, index) => {
    const at = under(under(path, "fields"), index);
    typeExpression(field.value, under(at, "value"), scope);
    const part = partAt(type.layout, field.path);
    if (!part) {
      scope.report.add(under(at, "path"), "no such part of the layout");
      return;
    }
    const scalar = loadedType(part);
    const got = field.value.type;
    if (scalar) scope.expect(got, scalar, under(at, "value"), "the value");
    else if (got.kind !== "ref" || !sameLayout(got.layout, part))
      scope.report.add(under(at, "value"), `a value of type ${showType(got)} for a part of another layout`);
  });
}

/** The layout of a part; undefined where the path leads nowhere. */
export function partAt(layout: Layout, path: readonly number[]): Layout | undefined {
  let part: Layout | undefined = layout;
  for (const step of path) {
    if (part?.kind === "struct" || part?.kind === "union") part = part.fields[step]?.layout;
    else if (part?.kind === "array" || part?.kind === "bytes") part = step < part.length ? elementOf(part) : undefined;
    else return undefined;
  }
  return part;
}

function typeMatch(node: MatchExpression, path: Path, scope: Scope): void {
  const matchers = matchersOf(scope.module.settings.find((one) => one.name === node.setting)?.type);
  if (!matchers) scope.report.add(path, `no list of rules and no set "${node.setting}"`);
  scope.expect(node.type, optionalType(numberType), path, "the match");
  const seen = new Set<string>();
  node.subjects.forEach((subject, index) => {
    const at = under(under(path, "subjects"), index);
    typeExpression(subject.value, under(at, "value"), scope);
    const type = matchers?.get(subject.field);
    if (seen.has(subject.field)) scope.report.add(at, `two values for "${subject.field}"`);
    seen.add(subject.field);
    if (!type) scope.report.add(at, `"${subject.field}" is no matcher of ${node.setting}`);
    else typeSubject(subject.value.type, type, at, scope);
  });
  for (const name of matchers?.keys() ?? []) {
    if (!seen.has(name)) scope.report.add(path, `no value for the matcher "${name}"`);
  }
}

/** The matchers of a list's rules by name; that of a set goes by the empty name. */
function matchersOf(type: SettingType | undefined): ReadonlyMap<string, MatcherType> | undefined {
  if (type?.kind === "set" && type.element.kind === "matcher") return new Map([["", type.element]]);
  if (type?.kind !== "list" || type.element.kind !== "struct") return undefined;
  return new Map(
    type.element.fields.flatMap((field) => (field.type.kind === "matcher" ? [[field.name, field.type] as const] : [])),
  );
}

function typeSubject(got: Type, type: MatcherType, at: Path, scope: Scope): void {
  if (type.format === "ipv6" || type.format === "cidr6") {
    if (got.kind !== "ref" || !sameLayout(got.layout, { kind: "bytes", length: 16 }))
      scope.report.add(at, "an IPv6 address is matched by a reference to its 16 bytes");
  } else if (!sameType(got, integerType(type.name))) {
    scope.report.add(at, `a value of type ${showType(got)} for a matcher of ${type.name}`);
  }
}
