import type { MatcherField } from "./compile-rules.ts";

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
