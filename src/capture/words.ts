import { IovisorError } from "../errors.ts";
import { parseIpv4, parseIpv6, parseMac } from "./address.ts";
import { concat, fromHex } from "./octets.ts";

interface Word {
  readonly text: string;
  /** Offset in the description. */
  readonly at: number;
  readonly quoted: boolean;
}

const remedy = 'describe layers from the outside in, such as "eth / ip 10.0.0.1 > 10.0.0.2 / tcp 1234 > 80 syn"';

/** The words of one layer of a description, taken one by one; errors point at the column. */
export class Words {
  readonly #description: string;
  readonly #words: readonly Word[];
  /** Where the layer ends in the description. */
  readonly #end: number;
  #next = 0;

  constructor(description: string, words: readonly Word[], end: number) {
    this.#description = description;
    this.#words = words;
    this.#end = end;
  }

  get done(): boolean {
    return this.#next >= this.#words.length;
  }

  /** The next word, not taken; empty at the end and for quoted text. */
  get peek(): string {
    const word = this.#words[this.#next];
    return word && !word.quoted ? word.text : "";
  }

  /** Takes the next word if it is this one. */
  accept(text: string): boolean {
    if (this.peek !== text) return false;
    this.#next++;
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) throw this.error(`expected "${text}"`);
  }

  /** Takes a word that `read` understands; `what` names it in the error. */
  take<T>(what: string, read: (text: string) => T | undefined): T {
    const value = this.peek === "" ? undefined : read(this.peek);
    if (value === undefined) throw this.error(`expected ${what}`);
    this.#next++;
    return value;
  }

  /** A decimal or 0x number within bounds. */
  number(what: string, min: number, max: number): number {
    return this.take(`${what}, ${min}..${max}`, (text) => {
      const value = isNumber(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : undefined;
    });
  }

  mac(): Uint8Array {
    return this.take("a MAC address such as 02:00:00:00:00:01", parseMac);
  }

  ipv4(): Uint8Array {
    return this.take("an IPv4 address such as 10.0.0.1", parseIpv4);
  }

  ipv6(): Uint8Array {
    return this.take("an IPv6 address such as fd00::1", parseIpv6);
  }

  /** One or more words of hexadecimal digits. */
  hex(): Uint8Array {
    let bytes: Uint8Array = this.take("an even number of hexadecimal digits", fromHex);
    for (let more = fromHex(this.peek); !this.done && more && more.length > 0; more = fromHex(this.peek)) {
      bytes = concat(bytes, more);
      this.#next++;
    }
    return bytes;
  }

  /** Takes quoted text if that is what comes next. */
  string(): string | undefined {
    const word = this.#words[this.#next];
    if (!word?.quoted) return undefined;
    this.#next++;
    return word.text;
  }

  /** Takes the rest of the layer, word by word: each must be a key of `table`, which takes its own arguments. */
  options(table: Readonly<Record<string, () => void>>): void {
    while (!this.done) {
      const handler = Object.hasOwn(table, this.peek) ? table[this.peek] : undefined;
      if (!handler) throw this.error(`expected one of ${Object.keys(table).join(", ")}, or "/" and the next layer`);
      this.#next++;
      handler();
    }
  }

  /** An error at the next word. */
  error(message: string): IovisorError {
    const word = this.#words[this.#next];
    return syntaxError(
      this.#description,
      word?.at ?? this.#end,
      `${message}, found ${word ? show(word) : "the layer's end"}`,
    );
  }
}

/** Cuts a description into layers at each "/" outside quotes. */
export function splitLayers(description: string): Words[] {
  const layers: Words[] = [];
  let words: Word[] = [];
  const token = /\s+|"((?:[^"\\]|\\.)*)"|[>/]|[^\s>/"]+/gy;
  while (token.lastIndex < description.length) {
    const at = token.lastIndex;
    const match = token.exec(description);
    if (!match) throw syntaxError(description, at, 'the quoted text has no closing "');
    const [text, quoted] = match;
    if (text === "/") {
      layers.push(new Words(description, words, at));
      words = [];
    } else if (quoted !== undefined) {
      words.push({ text: readEscapes(description, at, quoted), at, quoted: true });
    } else if (text.trim() !== "") words.push({ text, at, quoted: false });
  }
  return [...layers, new Words(description, words, description.length)];
}

function readEscapes(description: string, at: number, text: string): string {
  try {
    return JSON.parse(`"${text.replace(/\\x([0-9a-f]{2})/gi, "\\u00$1")}"`);
  } catch {
    throw syntaxError(
      description,
      at,
      'the quoted text has an unknown escape; \\n, \\r, \\t, \\", \\\\ and \\x00 are known',
    );
  }
}

function syntaxError(description: string, at: number, message: string): IovisorError {
  const pointer = `  ${description.replace(/\s/g, " ")}\n  ${" ".repeat(at)}^`;
  const text = `packet description, column ${at + 1}: ${message}\n${pointer}`;
  return new IovisorError("E_USAGE", text, remedy);
}

function isNumber(text: string): boolean {
  return /^(?:0x[0-9a-f]+|\d+)$/i.test(text);
}

function show(word: Word): string {
  return word.quoted ? "quoted text" : `"${word.text}"`;
}
