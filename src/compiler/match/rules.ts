/** An inclusive interval of one word. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * One word that rules look at: its values are 0..high. A word has 32 bits at most, so that a comparison with a constant
 * is one instruction and a tree's arithmetic is exact in 64 bits; wider fields are several words.
 */
export interface FieldDomain {
  readonly name: string;
  readonly high: number;
}

/** What one rule accepts: an interval per word; a rule that accepts several intervals of a word is several boxes. */
export interface Box {
  /** Position of its rule in the configured list: the smallest one that accepts wins. */
  readonly rule: number;
  readonly intervals: readonly Interval[];
}
