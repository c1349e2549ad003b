import type { Expression, MatchExpression } from "../hir/tree.ts";
import { FunctionBuilder } from "../ir/builder.ts";
import type { Block, Value } from "../ir/ir.ts";
import { type CompiledRules, compileRules } from "../match/compile-rules.ts";
import type { FieldDomain, Interval } from "../match/rules.ts";
import { buildDecision, type Decision } from "../match/tree.ts";
import { lowerExpression } from "./expressions.ts";
import { type Lowered, scalar } from "./lowered.ts";
import type { Lowering } from "./lowering.ts";

/** What a decision function gives when no rule matches; a smaller number is the rule's position. */
const noRule = 0xffff_ffffn;

/**
 * `match(rules, subjects)`. Each tree of the decision becomes a global function: the verifier checks it once, on its
 * own, and sees an unknown number come out. In line, every leaf would be a state of its own for all the code behind.
 */
export function lowerMatch(l: Lowering, e: MatchExpression): Lowered {
  const rules = rulesOf(l, e);
  const words = subjectWords(l, e, rules);
  const decision = buildDecision(rules.fields, rules.boxes);
  const trees = decision.kind === "least" ? decision.trees : [decision];
  const packing = packWords(rules.fields);
  const args = packing.map((arg) => pack(l, arg, words, e));
  const results = trees.map((tree, index) => {
    const name = `match_${e.setting}${l.subprograms.length === 0 && index === 0 ? "" : l.subprograms.length}`;
    l.subprograms.push(treeFunction(name, tree, packing, e));
    return l.builder.callFunction(name, args, e.at);
  });
  const best = results.reduce((a, b) => smaller(l, a, b, e));
  const none = l.constant(noRule, e.at);
  const present = l.presentWhen(e.at, (yes, no) =>
    l.builder.branch({ op: "ult", width: 64, left: best, right: none, then: yes, otherwise: no, at: e.at }),
  );
  return { kind: "optional", present, of: scalar(best) };
}

function rulesOf(l: Lowering, e: MatchExpression): CompiledRules {
  const setting = l.module.settings.find((one) => one.name === e.setting);
  if (!setting) throw new Error(`HIR is not well formed: no setting ${e.setting}`);
  return compileRules(setting.type, l.options.settings?.[e.setting] ?? setting.default);
}

function smaller(l: Lowering, a: Value, b: Value, e: MatchExpression): Value {
  const { builder } = l;
  const variable = `least${b}`;
  const [less, after] = [builder.newBlock(), builder.newBlock()];
  builder.write(variable, a);
  builder.branch({ op: "ult", width: 64, left: b, right: a, then: less, otherwise: after, at: e.at });
  builder.seal(less);
  builder.switchTo(less);
  builder.write(variable, b);
  builder.jump(after, e.at);
  builder.seal(after);
  builder.switchTo(after);
  return builder.read(variable);
}

/** A register per word of every matcher; a 128-bit subject is read from its bytes. */
function subjectWords(l: Lowering, e: MatchExpression, rules: CompiledRules): readonly Value[] {
  return rules.matchers.flatMap(({ name, words }) => {
    const subject = e.subjects.find((one) => one.field === name);
    if (!subject) throw new Error(`HIR is not well formed: match lacks a subject for ${name}`);
    return wordsOf(l, subject.value, words);
  });
}

function wordsOf(l: Lowering, subject: Expression, words: 1 | 2): readonly Value[] {
  const lowered = lowerExpression(l, subject);
  if (lowered.kind === "scalar" && words === 1) return [lowered.value];
  if (lowered.kind !== "ref") throw new Error("HIR is not well typed: a subject is a scalar or an address's bytes");
  if (words === 1) throw new Error("HIR is not well typed: a subject of one word is a scalar");
  return [0, 8].map((delta) => l.builder.unary("bswap64", l.load(lowered, 8, subject.at, { delta }), subject.at));
}

/** Which words share an argument: functions take at most five. */
interface Argument {
  readonly parts: readonly { readonly word: number; readonly shift: number; readonly bits: number }[];
}

function bitLength(value: bigint): number {
  return value.toString(2).length;
}

function packWords(fields: readonly FieldDomain[]): readonly Argument[] {
  const open: { parts: { word: number; shift: number; bits: number }[]; used: number }[] = [];
  for (const [word, field] of fields.entries()) {
    const bits = bitLength(field.high);
    const room = open.find((argument) => argument.used + bits <= 64);
    if (room) {
      room.parts.push({ word, shift: room.used, bits });
      room.used += bits;
    } else {
      open.push({ parts: [{ word, shift: 0, bits }], used: bits });
    }
  }
  return open;
}

function pack(l: Lowering, argument: Argument, words: readonly Value[], e: MatchExpression): Value {
  return argument.parts
    .map(({ word, shift }) =>
      shift === 0 ? words[word]! : l.builder.binary("shl", 64, words[word]!, l.constant(shift, e.at), e.at),
    )
    .reduce((a, b) => l.builder.binary("or", 64, a, b, e.at));
}

function treeFunction(name: string, tree: Decision, packing: readonly Argument[], e: MatchExpression) {
  const builder = new FunctionBuilder(
    name,
    "global",
    packing.map(() => "integer" as const),
  );
  const words: Value[] = [];
  for (const [index, argument] of packing.entries()) {
    for (const { word, shift, bits } of argument.parts) {
      words[word] = unpack(builder, builder.parameter(index), shift, bits, e.at);
    }
  }
  new TreeEmitter(builder, words, e.at).emit(tree);
  return { ...builder.finish(), final: true as const };
}

function unpack(builder: FunctionBuilder, argument: Value, shift: number, bits: number, at: number): Value {
  const shifted =
    shift === 0 ? argument : builder.binary("lshr", 64, argument, builder.constant(BigInt(shift), at), at);
  if (shift + bits === 64) return shifted;
  if (bits === 32) return builder.unary("zext32", shifted, at);
  return builder.binary("and", 64, shifted, builder.constant((1n << BigInt(bits)) - 1n, at), at);
}

/** Emits a tree as comparisons; a node that several paths share is emitted once. */
class TreeEmitter {
  readonly #builder: FunctionBuilder;
  readonly #words: readonly Value[];
  readonly #at: number;
  readonly #blocks = new Map<Decision, Block>();

  constructor(builder: FunctionBuilder, words: readonly Value[], at: number) {
    this.#builder = builder;
    this.#words = words;
    this.#at = at;
  }

  emit(root: Decision): void {
    const blocks = this.#blocks;
    this.#node(root);
    for (const [decision, block] of blocks) {
      this.#builder.switchTo(block);
      this.#node(decision);
    }
    for (const block of blocks.values()) this.#builder.seal(block);
  }

  /** The block of a node; it is filled when its turn comes (iteration over a Map sees what is added to it). */
  #blockOf(decision: Decision): Block {
    let block = this.#blocks.get(decision);
    if (!block) {
      block = this.#builder.newBlock();
      this.#blocks.set(decision, block);
    }
    return block;
  }

  #node(decision: Decision): void {
    switch (decision.kind) {
      case "leaf": {
        const rule = decision.rule === undefined ? noRule : BigInt(decision.rule);
        this.#builder.return(this.#builder.constant(rule, this.#at), this.#at);
        return;
      }
      case "split":
        this.#compare("ule", decision.field, decision.at, decision.left, decision.right);
        return;
      case "test":
        this.#interval(decision.field, decision.interval, this.#blockOf(decision.then), decision.otherwise);
        return;
      case "least":
        throw new Error("a decision of several trees is several functions");
    }
  }

  #compare(op: "ule", field: number, value: bigint, yes: Decision, no: Decision): void {
    this.#branch(op, field, value, this.#blockOf(yes), this.#blockOf(no));
  }

  #branch(op: "ule" | "uge" | "eq", field: number, value: bigint, then: Block, otherwise: Block): void {
    const right = this.#builder.constant(value, this.#at);
    const left = this.#words[field]!;
    this.#builder.branch({ op, width: 64, left, right, then, otherwise, at: this.#at });
  }

  #interval(field: number, { low, high }: Interval, then: Block, otherwise: Decision): void {
    const no = this.#blockOf(otherwise);
    if (low === high) {
      this.#branch("eq", field, low, then, no);
      return;
    }
    if (low > 0n) {
      const above = this.#builder.newBlock();
      this.#branch("uge", field, low, above, no);
      this.#builder.seal(above);
      this.#builder.switchTo(above);
    }
    this.#branch("ule", field, high, then, no);
  }
}
