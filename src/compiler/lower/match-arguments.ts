import type { MatchExpression } from "../hir/tree.ts";
import type { FunctionBuilder } from "../ir/builder.ts";
import type { Value } from "../ir/ir.ts";
import type { MatcherField } from "../match/compile-rules.ts";
import { lowerExpression } from "./expressions.ts";
import type { Lowering } from "./lowering.ts";

/**
 * How the subjects of a match reach its function, which takes at most five arguments: chunks of up to 64 bits, a
 * subject or half an IPv6 address each, as many in an argument as have room. The function takes words out of them.
 */
export interface Passing {
  readonly arguments: readonly { readonly chunks: readonly { readonly chunk: number; readonly shift: number }[] }[];
  /** Of each word: the argument, and the bits in it. */
  readonly words: readonly { readonly argument: number; readonly shift: number; readonly bits: number }[];
}

const mostArguments = 5;

interface Chunk {
  readonly bits: number;
  /** Most significant first. */
  readonly words: readonly number[];
}

function chunksOf(matchers: readonly MatcherField[]): readonly Chunk[] {
  return matchers.flatMap(({ bits, words }): Chunk[] =>
    bits === 128
      ? [
          { bits: 64, words: words.slice(0, 2) },
          { bits: 64, words: words.slice(2) },
        ]
      : [{ bits, words }],
  );
}

/** Undefined when the subjects need more arguments than a function has. */
export function passingOf(matchers: readonly MatcherField[]): Passing | undefined {
  const open: { chunks: { chunk: number; shift: number }[]; used: number }[] = [];
  const words: Passing["words"][number][] = [];
  for (const [chunk, { bits, words: parts }] of chunksOf(matchers).entries()) {
    let argument = open.findIndex(({ used }) => used + bits <= 64);
    if (argument < 0) argument = open.push({ chunks: [], used: 0 }) - 1;
    const room = open[argument]!;
    let above = room.used + bits;
    for (const width of parts) words.push({ argument, shift: (above -= width), bits: width });
    room.chunks.push({ chunk, shift: room.used });
    room.used += bits;
  }
  return open.length <= mostArguments ? { arguments: open, words } : undefined;
}

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
