import * as build from "../../compiler/hir/build.ts";
import { mapExpression, mapStatement, type Transform } from "../../compiler/hir/transform.ts";
import type { Expression, Local, OperationExpression, Program, Statement } from "../../compiler/hir/tree.ts";
import { numberType, optionalType, type Type } from "../../compiler/hir/types.ts";
import { IovisorError } from "../../errors.ts";
import { packVerdict, unpackVerdict, type VerdictParts, verdictParts } from "./verdict-codes.ts";

/** What a function's body needs to become a part of a larger program. */
export interface InlineFrame {
  /** Added to the numbers of its locals and labels. */
  readonly firstLocal: number;
  readonly firstLabel: number;
  /** The label that the body leaves in place of returning. */
  readonly exit: number;
  /** The locals that get its verdict's numbers. */
  readonly verdict: { readonly kind: number; readonly argument: number };
  /** The local with the number of the port that the packet came in on. */
  readonly port: number;
  /** The locals of its metadata, by slot. */
  readonly metadata: readonly { readonly local: number; readonly type: Type }[];
}

/** A function's locals and body as parts of a larger program; verdicts have become numbers. */
export function inlineProgram(
  program: Program,
  frame: InlineFrame,
): { readonly locals: readonly Local[]; readonly body: readonly Statement[] } {
  const inliner = new Inliner(frame, program);
  const own = program.locals.map((local) => ({ ...local, type: withoutVerdicts(local.type) }));
  return { locals: [...own, ...inliner.extraLocals], body: inliner.body(program.body) };
}

function withoutVerdicts(type: Type): Type {
  if (type.kind === "verdict") return numberType;
  return type.kind === "optional" && type.of.kind === "verdict" ? optionalType(numberType) : type;
}

/** Where a verdict's two numbers go. */
interface VerdictPlace {
  readonly kind: number;
  readonly argument: number;
}

class Inliner implements Transform {
  readonly #frame: InlineFrame;
  readonly #program: Program;
  /** Locals with the arguments of verdicts, by the function's own local. They follow its locals. */
  readonly #arguments = new Map<number, number>();

  constructor(frame: InlineFrame, program: Program) {
    this.#frame = frame;
    this.#program = program;
    for (const [index, local] of program.locals.entries()) {
      if (local.type.kind === "verdict") this.#arguments.set(index, program.locals.length + this.#arguments.size);
    }
  }

  get extraLocals(): readonly Local[] {
    return [...this.#arguments.keys()].map((index) => ({
      ...this.#program.locals[index]!,
      name: `${this.#program.locals[index]!.name} argument`,
      type: numberType,
    }));
  }

  body(body: readonly Statement[]): readonly Statement[] {
    return body.flatMap((statement) => this.#statement(statement));
  }

  #statement(node: Statement): readonly Statement[] {
    if (node.kind === "return") return this.#leave(node);
    if (node.kind === "expression" && node.value.kind === "operation" && node.value.operation === "metadata.set") {
      return [this.#setMetadata(node.value)];
    }
    const place = node.kind === "let" || node.kind === "assign" ? this.#placeOf(node.local) : undefined;
    if (place && node.kind === "let") return this.#declareVerdict(place, node);
    if (place && node.kind === "assign") return this.#give(place, node.value, node.at);
    const made = mapStatement(node, this);
    const { firstLabel, firstLocal } = this.#frame;
    switch (made.kind) {
      case "let":
      case "assign":
        return [{ ...made, local: made.local + firstLocal }];
      case "for":
        return [{ ...made, local: made.local + firstLocal, label: made.label + firstLabel }];
      case "block":
      case "switch":
      case "break":
      case "continue":
        return [{ ...made, label: made.label + firstLabel }];
      default:
        return [made];
    }
  }

  #leave(node: Extract<Statement, { readonly kind: "return" }>): readonly Statement[] {
    const { verdict, exit } = this.#frame;
    const given = node.value ? this.#give(verdict, node.value, node.at) : [];
    return [...given, { kind: "break", label: exit, at: node.at }];
  }

  #setMetadata(node: OperationExpression): Statement {
    const { local } = this.#metadata(node);
    return { kind: "assign", local, value: this.expression(node.args[0]!), at: node.at };
  }

  #metadata(node: OperationExpression): InlineFrame["metadata"][number] {
    return this.#frame.metadata[node.constants?.[0] ?? 0]!;
  }

  // --------------------------------------------------------------------------------------------------- verdicts

  /** The two locals of a local that holds a verdict. */
  #placeOf(local: number): VerdictPlace | undefined {
    const argument = this.#arguments.get(local);
    const { firstLocal } = this.#frame;
    return argument === undefined ? undefined : { kind: local + firstLocal, argument: argument + firstLocal };
  }

  #declareVerdict(place: VerdictPlace, node: Extract<Statement, { kind: "let" }>): readonly Statement[] {
    const zero = build.number(0);
    const declare = (local: number): Statement => ({ kind: "let", local, value: zero, at: node.at });
    const given = node.value ? this.#give(place, node.value, node.at) : [];
    return [declare(place.kind), declare(place.argument), ...given];
  }

  /** Statements that put a verdict somewhere: a choice between two becomes a branch. */
  #give(place: VerdictPlace, value: Expression, position: number): readonly Statement[] {
    if (value.kind === "conditional") {
      const [then, otherwise] = [value.then, value.otherwise].map((one) => this.#give(place, one, position));
      return [{ kind: "if", test: this.expression(value.test), then: then!, otherwise: otherwise!, at: position }];
    }
    if (value.kind === "sequence") return [...this.body(value.body), ...this.#give(place, value.value, position)];
    const { kind, argument } = this.#parts(value);
    return [
      { kind: "assign", local: place.kind, value: kind, at: position },
      { kind: "assign", local: place.argument, value: argument, at: position },
    ];
  }

  #parts(value: Expression): VerdictParts {
    if (value.kind === "operation") {
      const parts = this.#verdict(value);
      if (parts) return parts;
    }
    if (value.kind === "local") {
      const place = this.#placeOf(value.local)!;
      return { kind: number(place.kind, value.at), argument: number(place.argument, value.at) };
    }
    return unpackVerdict(this.expression(value));
  }

  #verdict(node: OperationExpression): VerdictParts | undefined {
    const reason = build.number(node.constants?.[0] ?? 0);
    const args = node.args.map((argument) => this.expression(argument));
    switch (node.operation) {
      case "verdict.pass":
        return verdictParts("toHost");
      case "verdict.drop":
        return verdictParts("drop");
      case "verdict.dropFor":
        return verdictParts("drop", reason);
      case "verdict.punt":
        return verdictParts("punt", reason);
      case "verdict.forward":
        return verdictParts("forward", args[0]!);
      case "verdict.transmit":
        return verdictParts("forward", number(this.#frame.port, node.at));
      case "verdict.flood":
        return verdictParts("flood", build.add(build.binary("multiply", args[0]!, build.number(0x1_0000)), args[1]!));
      default:
        return undefined;
    }
  }

  // ------------------------------------------------------------------------------------------------ expressions

  expression(node: Expression): Expression {
    if (node.kind === "operation") return this.#operation(node);
    // A verdict that may be absent is one number.
    if (node.type.kind === "verdict" && node.kind === "local") return packVerdict(this.#parts(node));
    const made = mapExpression(node, this);
    const typed = { ...made, type: withoutVerdicts(made.type) } as Expression;
    return typed.kind === "local" ? { ...typed, local: typed.local + this.#frame.firstLocal } : typed;
  }

  #operation(node: OperationExpression): Expression {
    const verdict = this.#verdict(node);
    if (verdict) return packVerdict(verdict);
    switch (node.operation) {
      case "packet.port":
        return number(this.#frame.port, node.at);
      case "metadata.get": {
        const { local, type } = this.#metadata(node);
        return { kind: "local", local, type, at: node.at };
      }
      case "verdict.redirect":
      case "verdict.redirectMap":
      case "program.tailCall":
        throw notInGraph(node.operation);
      default:
        return { ...node, args: node.args.map((argument) => this.expression(argument)) };
    }
  }
}

function number(local: number, at: number): Expression {
  return { kind: "local", local, type: numberType, at };
}

function notInGraph(operation: string): IovisorError {
  const names: Readonly<Record<string, string>> = {
    "verdict.redirect": "redirect(ifindex)",
    "verdict.redirectMap": "redirect() of a device map",
    "program.tailCall": "tailCall()",
  };
  return new IovisorError(
    "E_USAGE",
    `a function of a graph leaves by its ports: ${names[operation]} would go around the graph`,
    "give it a port and return forward(port)",
  );
}
