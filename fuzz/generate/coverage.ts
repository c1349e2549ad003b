/** How often each construct and each operation of the language was generated. */
export class Coverage {
  readonly #counts = new Map<string, number>();

  hit(...names: readonly string[]): void {
    for (const name of names) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  add(counts: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(counts)) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  /** All names with their counts: those that are expected, also at 0, and those that were met. */
  rows(expected: readonly string[]): readonly (readonly [name: string, count: number])[] {
    const names = [...new Set([...expected, ...this.#counts.keys()])].sort();
    return names.map((name) => [name, this.#counts.get(name) ?? 0]);
  }
}
