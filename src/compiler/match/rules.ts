/** An inclusive interval of one field. */
export interface Interval {
  readonly low: bigint;
  readonly high: bigint;
}

/** One field that rules look at: its values are 0..high. */
export interface FieldDomain {
  readonly name: string;
  readonly high: bigint;
}

/** What one rule accepts: an interval per field; a rule that accepts several intervals of a field is several boxes. */
export interface Box {
  /** Position of its rule in the configured list: the smallest one that accepts wins. */
  readonly rule: number;
  readonly intervals: readonly Interval[];
}
