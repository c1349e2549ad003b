const utf8 = new TextEncoder();

/** NUL-terminated strings, each stored once; offset 0 is the empty string. The form of BTF and of ELF's strtab. */
export class StringTable {
  readonly #offsets = new Map<string, number>([["", 0]]);
  #length = 1;

  /** The offset of `text`, which is added if new. A NUL inside would end it early, so it becomes a space. */
  add(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    return text.includes("\0") ? this.add(text.replaceAll("\0", " ")) : this.#append(text);
  }

  #append(text: string): number {
    const offset = this.#length;
    this.#offsets.set(text, offset);
    this.#length += Buffer.byteLength(text) + 1;
    return offset;
  }

  clone(): StringTable {
    const copy = new StringTable();
    for (const text of this.#offsets.keys()) copy.add(text);
    return copy;
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    return utf8.encode(`${[...this.#offsets.keys()].join("\0")}\0`);
  }
}
