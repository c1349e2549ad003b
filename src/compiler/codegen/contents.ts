/** For each place (a register or eight bytes of the frame), the symbols of the values that it holds for sure. */
export class Contents {
  #places: Map<string, ReadonlySet<string>>;

  constructor(places: Map<string, ReadonlySet<string>> = new Map()) {
    this.#places = places;
  }

  copy(): Contents {
    return new Contents(new Map(this.#places));
  }

  holds(place: string, symbol: string): boolean {
    return this.#places.get(place)?.has(symbol) ?? false;
  }

  define(place: string, symbol: string): void {
    this.#places.set(place, new Set([symbol]));
  }

  forget(place: string): void {
    this.#places.delete(place);
  }

  /** Forgets what lies in these bytes of the frame, in part or whole. */
  forgetBytes(offset: number, size: number): void {
    for (const place of this.#places.keys()) {
      if (!place.startsWith("fp")) continue;
      const other = Number(place.slice(2));
      if (other < offset + size && offset < other + 8) this.#places.delete(place);
    }
  }

  copyTo(place: string, from: string): void {
    const symbols = this.#places.get(from);
    if (symbols) this.#places.set(place, symbols);
    else this.#places.delete(place);
  }

  /** The value is computed anew: what older copies hold is not it any more. */
  forgetSymbol(symbol: string): void {
    for (const [place, symbols] of this.#places) {
      if (symbols.has(symbol)) this.#places.set(place, new Set([...symbols].filter((one) => one !== symbol)));
    }
  }

  /** Each `symbol` stands for what `from` stood for, all at once. */
  rename(renames: readonly { readonly symbol: string; readonly from: string }[]): Contents {
    const places = new Map<string, ReadonlySet<string>>();
    const gone = new Set(renames.map(({ symbol }) => symbol));
    for (const [place, symbols] of this.#places) {
      const kept = new Set([...symbols].filter((one) => !gone.has(one)));
      for (const { symbol, from } of renames) if (symbols.has(from)) kept.add(symbol);
      places.set(place, kept);
    }
    return new Contents(places);
  }

  /** Keeps what both hold. @returns whether anything was lost. */
  meet(other: Contents): boolean {
    let changed = false;
    for (const [place, symbols] of this.#places) {
      const theirs = other.#places.get(place);
      const common = new Set([...symbols].filter((one) => theirs?.has(one)));
      if (common.size === symbols.size) continue;
      changed = true;
      if (common.size === 0) this.#places.delete(place);
      else this.#places.set(place, common);
    }
    return changed;
  }

  show(place: string): string {
    const symbols = [...(this.#places.get(place) ?? [])];
    return symbols.length === 0 ? "nothing known" : symbols.join(" = ");
  }
}
