import { sameLayout } from "../equality.ts";
import type { Expression, Statement } from "../tree.ts";
import { boolType, limitsOf, loadedType, numberType, type RefType, type Type, verdictType } from "../types.ts";
import { typeExpression } from "./expressions.ts";
import { type Scope, showType } from "./scope.ts";
import { type Path, under } from "./shape.ts";

type Rules = {
  readonly [K in Statement["kind"]]: (node: Extract<Statement, { readonly kind: K }>, path: Path, scope: Scope) => void;
};

/** Types of everything in a list of statements; what it defines is visible to the rest of the list only. */
export function typeBody(body: readonly Statement[], path: Path, scope: Scope): void {
  scope.block(() => typeStatements(body, path, scope));
}

/** The same, but what the list defines stays visible to the caller's block. */
export function typeStatements(body: readonly Statement[], path: Path, scope: Scope): void {
  body.forEach((statement, index) => {
    const at = under(path, index);
    (rules[statement.kind] as (node: Statement, path: Path, scope: Scope) => void)(statement, at, scope);
  });
}

const rules: Rules = {
  let(node, path, scope) {
    if (node.value) typeExpression(node.value, under(path, "value"), scope);
    const local = scope.local(node.local, path);
    if (!local) return;
    if (local.type.kind === "void") scope.report.add(path, "a local of type void");
    if (node.value) scope.expect(node.value.type, local.type, under(path, "value"), "the value");
    scope.define(node.local, path);
  },
  assign(node, path, scope) {
    typeExpression(node.value, under(path, "value"), scope);
    const local = scope.visible(node.local, path);
    if (!local) return;
    if (scope.isCounter(node.local)) scope.report.add(path, "assigns the counter of a loop");
    scope.expect(node.value.type, local.type, under(path, "value"), "the value");
  },
  store(node, path, scope) {
    typeExpression(node.target, under(path, "target"), scope);
    typeExpression(node.value, under(path, "value"), scope);
    const target = expectRef(node.target, under(path, "target"), scope);
    if (!target) return;
    const wanted = loadedType(target.layout);
    if (!wanted) return scope.report.add(under(path, "target"), "stores a scalar to an aggregate");
    scope.expect(node.value.type, wanted, under(path, "value"), "the value");
  },
  copy(node, path, scope) {
    typeExpression(node.target, under(path, "target"), scope);
    typeExpression(node.source, under(path, "source"), scope);
    const target = expectRef(node.target, under(path, "target"), scope);
    const source = expectRef(node.source, under(path, "source"), scope);
    if (!target || !source) return;
    if (!sameLayout(target.layout, source.layout)) scope.report.add(path, "copies between different layouts");
    if (loadedType(target.layout)) scope.report.add(path, "copies a scalar: that is a store of a load");
  },
  expression: (node, path, scope) => typeExpression(node.value, under(path, "value"), scope),
  if(node, path, scope) {
    typeCondition(node.test, under(path, "test"), scope);
    typeBody(node.then, under(path, "then"), scope);
    typeBody(node.otherwise, under(path, "otherwise"), scope);
  },
  switch(node, path, scope) {
    typeExpression(node.value, under(path, "value"), scope);
    const { type } = node.value;
    if (!isInteger(type)) scope.report.add(under(path, "value"), `switches over a ${showType(type)}`);
    const [low, high] = limitsOf(type.kind === "u64" ? "u64" : "i64");
    const seen = new Set<bigint>();
    scope.labelled(node.label, ["break"], path, () => {
      node.cases.forEach((one, index) => {
        const at = under(under(path, "cases"), index);
        for (const value of one.values) {
          if (seen.has(value)) scope.report.add(at, `case ${value} stands twice`);
          if (value < low || value > high) scope.report.add(at, `case ${value} is no ${type.kind}`);
          seen.add(value);
        }
        typeBody(one.body, under(at, "body"), scope);
      });
      typeBody(node.otherwise, under(path, "otherwise"), scope);
    });
  },
  for(node, path, scope) {
    for (const bound of ["from", "to"] as const) {
      typeExpression(node[bound], under(path, bound), scope);
      scope.expect(node[bound].type, numberType, under(path, bound), "the bound");
    }
    const local = scope.local(node.local, path);
    if (local) scope.expect(local.type, numberType, under(path, "local"), "the counter");
    scope.labelled(node.label, ["break", "continue"], path, () =>
      scope.loop(node.local, path, () => {
        scope.define(node.local, path);
        typeBody(node.body, under(path, "body"), scope);
      }),
    );
  },
  block(node, path, scope) {
    scope.labelled(node.label, ["break"], path, () => typeBody(node.body, under(path, "body"), scope));
  },
  break: (node, path, scope) => scope.jump(node.label, "break", path),
  continue: (node, path, scope) => scope.jump(node.label, "continue", path),
  return(node, path, scope) {
    if (scope.inExpression) scope.report.add(path, "a return inside of an expression");
    if (!node.value) return;
    typeExpression(node.value, under(path, "value"), scope);
    scope.expect(node.value.type, verdictType, under(path, "value"), "the value");
  },
  lock(node, path, scope) {
    typeExpression(node.lock, under(path, "lock"), scope);
    const lock = expectRef(node.lock, under(path, "lock"), scope);
    const layout = lock?.layout;
    if (lock && (lock.region !== "map" || layout?.kind !== "opaque" || layout.what !== "spinLock"))
      scope.report.add(under(path, "lock"), "not a spin lock in a map's value");
    typeBody(node.body, under(path, "body"), scope);
  },
};

export function expectRef(node: Expression, path: Path, scope: Scope): RefType | undefined {
  if (node.type.kind === "ref") return node.type;
  scope.report.add(path, `expected a reference, got ${showType(node.type)}`);
  return undefined;
}

export function typeCondition(node: Expression, path: Path, scope: Scope): void {
  typeExpression(node, path, scope);
  scope.expect(node.type, boolType, path, "the condition");
}

export function isInteger(type: Type): boolean {
  return type.kind === "number" || type.kind === "u64" || type.kind === "i64";
}
