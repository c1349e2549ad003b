/** Which ports a function may send packets out of, by the port that they came in on. */
import { foldExpression } from "../../compiler/hir/fold.ts";
import type {
  ConstantExpression,
  Expression,
  ForStatement,
  Module,
  OperationExpression,
  Program,
  Statement,
  SwitchStatement,
} from "../../compiler/hir/tree.ts";
import type { ScalarType } from "../../compiler/hir/types.ts";
import { forEachChild, type Node, walk } from "../../compiler/hir/walk.ts";

/** "any": nobody knows which ones. */
export type Ways = ReadonlySet<number> | "any";

const known = new WeakMap<Module, Map<number, Ways>>();

/**
 * The ports that packets may leave by that came in on a port. There may be more than are ever taken, never fewer: what
 * is not worked out from constants and the packet's own port is any port.
 *
 * @param module with its settings folded in
 */
export function waysFrom(module: Module, port: number): Ways {
  const ofModule = known.get(module) ?? new Map<number, Ways>();
  known.set(module, ofModule);
  const found = ofModule.get(port) ?? findWays(module, port);
  ofModule.set(port, found);
  return found;
}

/** The same for packets that came in on any of so many ports. */
export function waysFromAll(module: Module, ports: number): Ways {
  const all = new Set<number>();
  for (let port = 0; port < ports; port++) {
    const ways = waysFrom(module, port);
    if (ways === "any") return ways;
    for (const way of ways) all.add(way);
  }
  return all;
}

/**
 * Where packets of the first ports may leave by any, those of the others are taken to do so too, which does no harm: a
 * router with 64 ports is walked four times, for about a millisecond each.
 */
const firstPorts = [0, 1, 2, 3];

function findWays(module: Module, port: number): Ways {
  if (port >= firstPorts.length && firstPorts.every((first) => waysFrom(module, first) === "any")) return "any";
  const program = module.programs.find(({ kind }) => kind === "packet");
  return program ? new Walker(program, port).run() : "any";
}

type Value = ConstantExpression["value"];
/** All that an expression may be; undefined where that is not known. */
type Values = readonly Value[] | undefined;
/** What locals may be, of those that are known. */
type State = Map<number, readonly Value[]>;

/** More values than that are not told apart. */
const mostValues = 16;

/** Goes where packets of one port may come, and notes by which ports they leave. */
class Walker {
  readonly #program: Program;
  readonly #port: number;
  readonly #ways = new Set<number>();
  #any = false;
  /** Undefined where no packet comes. */
  #state: State | undefined = new Map();
  /** States at jumps, by the label that they leave. */
  readonly #breaks = new Map<number, State[]>();

  constructor(program: Program, port: number) {
    this.#program = program;
    this.#port = port;
  }

  run(): Ways {
    this.#body(this.#program.body);
    return this.#any ? "any" : this.#ways;
  }

  #body(body: readonly Statement[]): void {
    for (const statement of body) {
      if (!this.#state || this.#any) return;
      this.#statement(statement);
    }
  }

  #statement(node: Statement): void {
    switch (node.kind) {
      case "let":
        this.#set(node.local, node.value ? this.#evaluate(node.value) : zeroOf(this.#program, node.local));
        break;
      case "assign":
        this.#set(node.local, this.#evaluate(node.value));
        break;
      case "if":
        this.#choose(this.#evaluate(node.test), [
          { values: [true], run: () => this.#body(node.then) },
          { values: [false], run: () => this.#body(node.otherwise) },
        ]);
        break;
      case "switch":
        this.#switch(node);
        break;
      case "for":
        this.#loop(node);
        break;
      case "block":
        this.#labelled(node.label, () => this.#body(node.body));
        break;
      case "break":
        if (this.#state) this.#breaks.get(node.label)!.push(this.#state);
        this.#state = undefined;
        break;
      case "return":
        if (node.value) this.#evaluate(node.value);
        this.#state = undefined;
        break;
      case "continue":
        this.#state = undefined;
        break;
      case "store":
      case "copy":
      case "expression":
      case "lock":
        forEachChild(node, (child) => this.#visit(child));
    }
  }

  #visit(node: Node): void {
    if (!this.#state) return;
    if (isStatement(node)) this.#statement(node);
    else this.#evaluate(node);
  }

  #set(local: number, values: Values): void {
    if (values) this.#state?.set(local, values);
    else this.#state?.delete(local);
  }

  /** Goes the ways that a value leads, each from the state that is now; behind them it is what all have in common. */
  #choose(
    value: Values,
    choices: readonly { readonly values: readonly Value[] | undefined; readonly run: () => void }[],
  ): void {
    const before = this.#state;
    if (!before) return;
    const named = new Set(choices.flatMap(({ values }) => values ?? []));
    const taken = choices.filter(({ values }) => {
      return !value || (values ? value.some((one) => values.includes(one)) : value.some((one) => !named.has(one)));
    });
    const ends = taken.flatMap(({ run }): State[] => {
      this.#state = new Map(before);
      run();
      return this.#state ? [this.#state] : [];
    });
    this.#state = common(ends);
  }

  #switch({ label, value, cases, otherwise }: SwitchStatement): void {
    const chosen = this.#evaluate(value);
    this.#labelled(label, () => {
      this.#choose(chosen, [
        ...cases.map(({ values, body }) => ({ values, run: () => this.#body(body) })),
        { values: undefined, run: () => this.#body(otherwise) },
      ]);
    });
  }

  /** What a round assigns is not known in any of them, nor behind: jumps out of the loop tell nothing more. */
  #loop(node: ForStatement): void {
    for (const bound of [node.from, node.to]) this.#evaluate(bound);
    this.#set(node.local, undefined);
    walk(node.body, (inner) => {
      if (inner.kind === "let" || inner.kind === "assign" || inner.kind === "for") this.#set(inner.local, undefined);
    });
    const behind = this.#state && new Map(this.#state);
    this.#labelled(node.label, () => this.#body(node.body));
    this.#state = behind;
  }

  #labelled(label: number, run: () => void): void {
    const outer = this.#breaks.get(label);
    const jumps: State[] = [];
    this.#breaks.set(label, jumps);
    run();
    if (outer) this.#breaks.set(label, outer);
    else this.#breaks.delete(label);
    this.#state = common(this.#state ? [...jumps, this.#state] : jumps);
  }

  #evaluate(node: Expression): Values {
    switch (node.kind) {
      case "constant":
        return [node.value];
      case "local":
        return this.#state?.get(node.local);
      case "sequence":
        this.#body(node.body);
        return this.#state && this.#evaluate(node.value);
      case "conditional":
        return this.#either(node.test, node.then, node.otherwise);
      case "logical":
        return node.operator === "and"
          ? this.#either(node.left, node.right, false)
          : this.#either(node.left, true, node.right);
      case "unary":
      case "convert":
        return this.#fold([node.value], ([value]) => ({ ...node, value: value! }));
      case "binary":
      case "compare":
        return this.#fold([node.left, node.right], ([left, right]) => ({ ...node, left: left!, right: right! }));
      case "operation":
        return this.#operation(node);
      default:
        forEachChild(node, (child) => this.#visit(child));
        return undefined;
    }
  }

  #operation(node: OperationExpression): Values {
    const [first] = node.args.map((argument) => this.#evaluate(argument));
    switch (node.operation) {
      case "packet.port":
        return [BigInt(this.#port)];
      case "verdict.forward":
        this.#leaveBy(first);
        return undefined;
      case "verdict.transmit":
        this.#leaveBy([BigInt(this.#port)]);
        return undefined;
      default:
        return undefined;
    }
  }

  #leaveBy(ports: Values): void {
    if (!this.#state) return;
    if (ports) for (const port of ports) this.#ways.add(Number(port));
    else this.#any = true;
  }

  #either(test: Expression, then: Expression | boolean, otherwise: Expression | boolean): Values {
    const results: Values[] = [];
    const run = (side: Expression | boolean) => (): void => {
      results.push(typeof side === "boolean" ? [side] : this.#evaluate(side));
    };
    this.#choose(this.#evaluate(test), [
      { values: [true], run: run(then) },
      { values: [false], run: run(otherwise) },
    ]);
    return union(results);
  }

  /** What comes of all values of the operands. */
  #fold(operands: readonly Expression[], make: (constants: readonly ConstantExpression[]) => Expression): Values {
    const found = operands.map((operand) => this.#evaluate(operand));
    let rows: readonly (readonly ConstantExpression[])[] = [[]];
    for (const [index, operand] of operands.entries()) {
      const values = found[index];
      if (!values) return undefined;
      const constants = values.map((value): ConstantExpression => {
        return { kind: "constant", type: operand.type as ScalarType, value, at: operand.at };
      });
      rows = rows.flatMap((row) => constants.map((constant) => [...row, constant]));
    }
    const results = rows.map((row) => foldExpression(make(row)));
    return union(results.map((result) => (result.kind === "constant" ? [result.value] : undefined)));
  }
}

function union(all: readonly Values[]): Values {
  const values = new Set<Value>();
  for (const one of all) {
    if (!one) return undefined;
    for (const value of one) values.add(value);
  }
  return values.size > mostValues ? undefined : [...values];
}

/** What holds on every way; undefined where there is none. */
function common(states: readonly State[]): State | undefined {
  const [first, ...others] = states;
  if (!first || others.length === 0) return first;
  const joined: State = new Map();
  for (const local of first.keys()) {
    const values = union(states.map((state) => state.get(local)));
    if (values) joined.set(local, values);
  }
  return joined;
}

function zeroOf({ locals }: Program, local: number): Values {
  const { kind } = locals[local]!.type;
  if (kind === "bool") return [false];
  return kind === "number" || kind === "u64" || kind === "i64" ? [0n] : undefined;
}

function isStatement(node: Node): node is Statement {
  return !("type" in node);
}
