/** What must come up in a long run: constructs and operations of the language page, by the names of the counters. */
export const expectedCoverage: readonly string[] = [];
