import { IovisorError } from "../../errors.ts";

const token = /\s*(?:(?<number>0x[0-9a-f]+|\d+)|(?<word>[A-Za-z_$][\w$.]*)|(?<mark>[()[\]{},:=?+\-@]))/iy;

/** Reads one line of IR text, token by token. */
export class LineScanner {
  readonly #line: string;
  readonly #number: number;
  #position = 0;

  constructor(line: string, number: number) {
    this.#line = line.replace(/[;#].*$/, "").trimEnd();
    this.#number = number;
  }

  get done(): boolean {
    return this.#position >= this.#line.length;
  }

  /** @returns the next token without taking it; "" at the end. */
  peek(): string {
    return this.#match()?.[0].trim() ?? "";
  }

  next(): string {
    const match = this.#match();
    if (!match) throw this.error(this.done ? "the line ends too early" : "a character that has no meaning here");
    this.#position += match[0].length;
    return match[0].trim();
  }

  /** Takes the token if it comes next. */
  take(text: string): boolean {
    if (this.peek() !== text) return false;
    this.next();
    return true;
  }

  expect(text: string): void {
    const found = this.next();
    if (found !== text) throw this.error(`"${text}" expected, "${found}" found`);
  }

  word(): string {
    const found = this.next();
    if (!/^[A-Za-z_$]/.test(found)) throw this.error(`a name expected, "${found}" found`);
    return found;
  }

  integer(): bigint {
    const negative = this.take("-");
    const found = this.next();
    if (!/^\d/.test(found)) throw this.error(`a number expected, "${found}" found`);
    return negative ? -BigInt(found) : BigInt(found);
  }

  small(): number {
    return Number(this.integer());
  }

  /** A number behind a letter: v12, b3, s0. */
  id(letter: "v" | "b" | "s"): number {
    const found = this.next();
    if (!new RegExp(`^${letter}\\d+$`).test(found)) throw this.error(`${letter}<number> expected, "${found}" found`);
    return Number(found.slice(1));
  }

  /** `item, item, ...` up to `close`, which is taken. */
  list<T>(close: string, item: () => T): T[] {
    const items: T[] = [];
    if (this.take(close)) return items;
    do items.push(item());
    while (this.take(","));
    this.expect(close);
    return items;
  }

  end(): void {
    if (!this.done) throw this.error(`"${this.peek()}" is too much`);
  }

  error(problem: string): IovisorError {
    return new IovisorError(
      "E_FORMAT",
      `IR text, line ${this.#number}: ${problem}: ${this.#line.trim()}`,
      "write IR text as printIr does",
    );
  }

  #match(): RegExpExecArray | null {
    token.lastIndex = this.#position;
    return token.exec(this.#line);
  }
}
