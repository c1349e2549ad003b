import * as build from "../../compiler/hir/build.ts";
import { mapExpression, mapStatement, type Transform } from "../../compiler/hir/transform.ts";
import type { Expression, Local, OperationExpression, Program, Statement } from "../../compiler/hir/tree.ts";
import { numberType, optionalType, type Type } from "../../compiler/hir/types.ts";
import { IovisorError } from "../../errors.ts";
import { fixedVerdict, verdictWith } from "./verdict-codes.ts";

/** What a function's body needs to become a part of a larger program. */
export interface InlineFrame {
  /** Added to the numbers of its locals and labels. */
  readonly firstLocal: number;
  readonly firstLabel: number;
  /** The label that the body leaves in place of returning. */
  readonly exit: number;
  /** The local that gets its verdict's number. */
  readonly verdict: number;
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
  const inliner = new Inliner(frame);
  return {
    locals: program.locals.map((local) => ({ ...local, type: withoutVerdicts(local.type) })),
    body: inliner.body(program.body),
  };
}

function withoutVerdicts(type: Type): Type {
  if (type.kind === "verdict") return numberType;
  return type.kind === "optional" && type.of.kind === "verdict" ? optionalType(numberType) : type;
}

class Inliner implements Transform {
  readonly #frame: InlineFrame;

  constructor(frame: InlineFrame) {
    this.#frame = frame;
  }

  body(body: readonly Statement[]): readonly Statement[] {
    return body.flatMap((statement) => this.#statement(statement));
  }

  #statement(node: Statement): readonly Statement[] {
    if (node.kind === "return") return this.#leave(node);
    if (node.kind === "expression" && node.value.kind === "operation" && node.value.operation === "metadata.set") {
      return [this.#setMetadata(node.value)];
    }
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
    const value = node.value ? this.expression(node.value) : fixedVerdict("drop");
    return [
      { kind: "assign", local: verdict, value, at: node.at },
      { kind: "break", label: exit, at: node.at },
    ];
  }

  #setMetadata(node: OperationExpression): Statement {
    const { local } = this.#metadata(node);
    return { kind: "assign", local, value: this.expression(node.args[0]!), at: node.at };
  }

  #metadata(node: OperationExpression): InlineFrame["metadata"][number] {
    return this.#frame.metadata[node.constants?.[0] ?? 0]!;
  }

  expression(node: Expression): Expression {
    if (node.kind === "operation") return this.#operation(node);
    const made = mapExpression(node, this);
    const typed = { ...made, type: withoutVerdicts(made.type) } as Expression;
    return typed.kind === "local" ? { ...typed, local: typed.local + this.#frame.firstLocal } : typed;
  }

  #operation(node: OperationExpression): Expression {
    const args = node.args.map((argument) => this.expression(argument));
    return at(node.at, this.#replaced(node, args) ?? { ...node, args });
  }

  /** What an operation of graphs becomes; undefined for all others. */
  #replaced(node: OperationExpression, args: readonly Expression[]): Expression | undefined {
    const [first, second] = args;
    switch (node.operation) {
      case "packet.port":
        return this.#port();
      case "metadata.get": {
        const { local, type } = this.#metadata(node);
        return { kind: "local", local, type, at: node.at };
      }
      case "verdict.pass":
        return fixedVerdict("toHost");
      case "verdict.drop":
        return fixedVerdict("drop");
      case "verdict.dropFor":
        return fixedVerdict("drop", node.constants![0]!);
      case "verdict.punt":
        return fixedVerdict("punt", node.constants![0]!);
      case "verdict.forward":
        return verdictWith("forward", first!);
      case "verdict.flood":
        return verdictWith("flood", build.add(build.binary("multiply", first!, build.number(0x1_0000)), second!));
      case "verdict.transmit":
        return verdictWith("forward", this.#port());
      case "verdict.redirect":
      case "verdict.redirectMap":
      case "program.tailCall":
        throw notInGraph(node.operation);
      default:
        return undefined;
    }
  }

  #port(): Expression {
    return { kind: "local", local: this.#frame.port, type: numberType, at: 0 };
  }
}

/** What was made in place of a node stands where the node stood. */
function at(position: number, made: Expression): Expression {
  return made.kind === "operation" ? made : { ...made, at: position };
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
