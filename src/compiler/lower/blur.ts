import { sizeOf } from "../hir/layout.ts";
import type { Position } from "../hir/position.ts";
import type { ForStatement } from "../hir/tree.ts";
import type { Value } from "../ir/ir.ts";
import type { Reference } from "./lowered.ts";
import type { Lowering } from "./lowering.ts";
import { accessAlignment, pieces } from "./pieces.ts";
import { variablesOfBody, writtenStorage } from "./scan.ts";

/**
 * What the body of a long loop changes, variables and local storage, enters it as numbers that the verifier does not
 * know: a known one gets another known value in each round, so no two rounds would look alike to it and it would walk
 * all of them. What is taken away is zero to the machine alone. Adding it to a constant would be adding the constant to
 * a copy of it: verifiers since Linux 6.11 remember that the two differ by so much, and take no number for like it that
 * has no such relation (BPF_ADD_CONST in regsafe, kernel/bpf/verifier.c). Presence of references stays as it is, since
 * it says which registers hold addresses; but for copies, whose storage is there in any case.
 */
export function blurAccumulators(l: Lowering, s: ForStatement): void {
  blurCarried(l, s);
  blurWritten(l, s);
}

/**
 * The same for the variables alone. At the end of each round, it takes back what a test in the round found out: behind
 * `sum === 5` a sum is known again, and so is what becomes of it in all rounds that follow.
 */
export function blurCarried(l: Lowering, s: ForStatement): void {
  const { assigned, defined } = variablesOfBody(s.body);
  blurLocals(
    l,
    [...assigned].filter((local) => !defined.has(local)),
    s.at,
  );
}

/** The same for some variables, wherever. */
export function blurLocals(l: Lowering, locals: readonly number[], at: Position): void {
  const variables = locals.flatMap((local) => scalarVariables(l, local));
  if (variables.length === 0) return;
  const zero = l.builder.hiddenZero(at);
  for (const variable of variables) {
    l.builder.write(variable, l.builder.binary("sub", 64, l.builder.read(variable), zero, at));
  }
}

/** The same for the local storage around a loop that its body writes to. */
export function blurWritten(l: Lowering, s: ForStatement): void {
  const { defined } = variablesOfBody(s.body);
  const storage = [...writtenStorage(s.body)].filter((local) => !defined.has(local));
  if (storage.length === 0) return;
  const zero = l.builder.hiddenZero(s.at);
  for (const local of storage) blurStorage(l, s, local, zero);
}

/** A value that is written to local storage in a loop: known bytes would tell the rounds apart behind it. */
export function blurredValue(l: Lowering, value: Value, at: Position): Value {
  return l.builder.binary("sub", 64, value, l.builder.hiddenZero(at), at);
}

function scalarVariables(l: Lowering, local: number): readonly string[] {
  const { type } = l.routine.locals[local]!;
  const of = type.kind === "optional" ? type.of : type;
  if (of.kind === "void") return [];
  if (of.kind === "ref") return l.known.isCopy(local) ? [l.presenceOf(local)] : [];
  return l.variablesOf(local);
}

/** Where an optional is absent, its storage may never have been written, and older verifiers let nobody read it. */
function blurStorage(l: Lowering, s: ForStatement, local: number, zero: Value): void {
  const { builder } = l;
  const value = l.readLocal(local, l.routine.locals[local]!.type);
  if (value.kind === "ref") blurBytes(l, s, value, zero);
  if (value.kind !== "optional" || value.of.kind !== "ref") return;
  const [present, after] = [builder.newBlock(), builder.newBlock()];
  l.branchPresent(value, present, after, s.at);
  builder.seal(present);
  builder.switchTo(present);
  blurBytes(l, s, value.of, zero);
  builder.jump(after, s.at);
  builder.seal(after);
  builder.switchTo(after);
}

function blurBytes(l: Lowering, s: ForStatement, ref: Reference, zero: Value): void {
  if (ref.region !== "local") return;
  for (const [delta, size] of pieces(sizeOf(ref.layout), accessAlignment(ref))) {
    const known = l.load(ref, size, s.at, { delta });
    l.store(ref, size, l.builder.binary("sub", 64, known, zero, s.at), s.at, delta);
  }
}
