import type { MatchExpression } from "../hir/tree.ts";
import type { FunctionBuilder } from "../ir/builder.ts";
import type { Value } from "../ir/ir.ts";
import type { MatcherField } from "../match/compile-rules.ts";
import type { Passing } from "../match/passing.ts";
import { lowerExpression } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";

/** The arguments for the subjects of a match. */
export function packSubjects(
  l: Lowering,
  e: MatchExpression,
  matchers: readonly MatcherField[],
  passing: Passing,
): readonly Value[] {
  const chunks = matchers.flatMap((matcher) => subjectChunks(l, e, matcher));
  return passing.arguments.map((argument) =>
    argument.chunks
      .map(({ chunk, shift }) =>
        shift === 0 ? chunks[chunk]! : l.builder.binary("shl", 64, chunks[chunk]!, l.constant(shift, e.at), e.at),
      )
      .reduce((a, b) => l.builder.binary("or", 64, a, b, e.at)),
  );
}

/** The words of all matchers, where they are used in line. */
export function subjectWords(l: Lowering, e: MatchExpression, matchers: readonly MatcherField[]): readonly Value[] {
  return matchers.flatMap((matcher) => {
    const chunks = subjectChunks(l, e, matcher);
    if (matcher.words.length === 1) return chunks;
    const above = chunks.map((chunk) => l.builder.binary("lshr", 64, chunk, l.constant(32, e.at), e.at));
    return chunks.flatMap((chunk, half) => [above[half]!, l.builder.unary("zext32", chunk, e.at)]);
  });
}

function subjectChunks(l: Lowering, e: MatchExpression, { name, bits, bias }: MatcherField): readonly Value[] {
  const { builder } = l;
  const subject = e.subjects.find((one) => one.field === name)?.value;
  if (!subject) throw new Error(`HIR is not well formed: match lacks a subject for ${name}`);
  const { at } = subject;
  const lowered = lowerExpression(l, subject);
  if (lowered.kind === "ref" && bits === 128) {
    return [0, 8].map((delta) => builder.unary("bswap64", l.load(lowered, 8, at, { delta }), at));
  }
  if (lowered.kind !== "scalar" || bits > 64) {
    throw new Error("HIR is not well typed: a subject is a scalar or an address's bytes");
  }
  return [bias === 0n ? lowered.value : builder.binary("add", 64, lowered.value, l.constant(bias, at), at)];
}

/** The words of all matchers, in the function that got them as arguments. */
export function unpackWords(builder: FunctionBuilder, passing: Passing, at: number): readonly Value[] {
  return passing.words.map(({ argument, shift, bits }) => {
    const whole = builder.parameter(argument);
    const shifted = shift === 0 ? whole : builder.binary("lshr", 64, whole, builder.constant(BigInt(shift), at), at);
    if (shift + bits === 64) return shifted;
    if (bits === 32) return builder.unary("zext32", shifted, at);
    return builder.binary("and", 64, shifted, builder.constant((1n << BigInt(bits)) - 1n, at), at);
  });
}
