import ts from "typescript";
import { messages } from "../diagnostics.ts";
import type { Callback, CallbackKind, MapDeclaration } from "../hir/tree.ts";
import { refType } from "../hir/types.ts";
import { bindPattern } from "./bindings.ts";
import * as build from "./build.ts";
import { CallbackScope } from "./callback-scope.ts";
import { Emitter } from "./emitter.ts";
import { evaluate } from "./expressions/evaluate.ts";
import type { Frame } from "./frame.ts";
import { moduleFrame } from "./module-scope.ts";
import { handlerReturns } from "./returns.ts";
import { settle } from "./settle.ts";
import { evaluateStatements } from "./statements/evaluate.ts";
import { type FunctionValue, runtime } from "./values.ts";

/** The map whose keys and values a callback gets. */
export interface CallbackMap {
  readonly declaration: MapDeclaration;
  readonly index: number;
}

interface Entry {
  readonly callee: FunctionValue;
  readonly kind: CallbackKind;
  readonly map: number;
  readonly name: string;
  readonly scope: CallbackScope;
  /** Where it was named while it was being expanded: a callback that arms itself. */
  readonly again: { readonly scope: CallbackScope; readonly node: ts.Node }[];
  callback?: Callback;
}

/** The callbacks of a module. A function that is given twice for one map, with the same constants around it, is one. */
export class Callbacks {
  readonly #entries: Entry[] = [];

  /** All that were expanded; only to be asked for when nothing is wrong. */
  get all(): readonly Callback[] {
    return this.#entries.flatMap(({ callback }) => (callback ? [callback] : []));
  }

  /** The index of the callback that a function is for a map; expanded when it is met first. */
  indexOf(frame: Frame, callee: FunctionValue, kind: CallbackKind, map: CallbackMap, node: ts.Node): number {
    const scope = CallbackScope.around(callee);
    const known = this.#entries.findIndex(
      (one) =>
        one.callee.declaration === callee.declaration &&
        one.kind === kind &&
        one.map === map.index &&
        (!one.callback || one.scope.agreesWith(scope)),
    );
    if (known >= 0) {
      this.#entries[known]!.again.push({ scope, node });
      return known;
    }
    const name = this.#freeName(`${map.declaration.name}_${callee.name === "function" ? kind : callee.name}`);
    const entry: Entry = { callee, kind, map: map.index, name, scope, again: [] };
    const index = this.#entries.push(entry) - 1;
    entry.callback = expand(frame, entry, map.declaration);
    for (const one of entry.again) {
      if (!scope.agreesWith(one.scope))
        frame.fail(
          one.node,
          messages.changingCallback(callee.name === "function" ? "this callback" : `"${callee.name}"`),
        );
    }
    return index;
  }

  #freeName(wanted: string): string {
    const taken = new Set(this.#entries.map(({ name }) => name));
    let name = `${wanted}_callback`;
    for (let number = 2; taken.has(name); number++) name = `${wanted}${number}_callback`;
    return name;
  }
}

function expand(outer: Frame, { callee, kind, name, scope, map }: Entry, { key, value }: MapDeclaration): Callback {
  const { declaration } = callee;
  const emitter = new Emitter();
  const frame = moduleFrame(outer.session, name).with({
    scope,
    emitter,
    routineKind: kind,
    returns: handlerReturns(false),
    calls: [callee],
  });
  const at = frame.at(declaration);
  const parameters = [refType("constant", key!), refType("map", value!)].map((type, index) => {
    const local = emitter.newLocal(index === 0 ? "key" : "value", type, at);
    return { kind: "local", local, type, at } as const;
  });
  const { statements } = emitter.capture(() => {
    // A scalar key is a number; a scalar value is a reference, as `map.ref` gives it.
    const given = [runtime(build.loadOrRef(parameters[0]!, at)), runtime(parameters[1]!)];
    declaration.parameters.forEach((parameter, index) => {
      const argument = given[index];
      if (parameter.dotDotDotToken || !argument) {
        frame.fail(parameter, messages.unsupported("such a parameter of a callback", "Name the key and the value."));
        return;
      }
      const settled = settle(frame, argument, index === 0 ? "key" : "value", parameter);
      bindPattern(frame, parameter.name, settled, { node: parameter, declaration: parameter });
    });
    expandBody(frame, declaration);
  });
  return { name, kind, map, locals: emitter.locals, body: statements, at };
}

/** What an expression in place of a body gives is of no interest to the kernel. */
function expandBody(frame: Frame, { body }: ts.FunctionLikeDeclaration): void {
  if (!body) return;
  if (ts.isBlock(body)) {
    evaluateStatements(frame, body.statements);
    return;
  }
  const result = evaluate(frame, body);
  if (result.kind === "runtime")
    frame.emitter.emit({ kind: "expression", value: result.expression, at: frame.at(body) });
}
