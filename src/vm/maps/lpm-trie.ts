import { Errno } from "../errno.ts";
import { flagProblem, keyText, readU32, u32Bytes, VmMap } from "./map.ts";
import { type FullMapSpec, mapError } from "./spec.ts";

interface Node {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * BPF_MAP_TYPE_LPM_TRIE (kernel/bpf/lpm_trie.c): a key is a 32-bit prefix length and the prefix, most significant byte
 * first. A look-up finds the longest stored prefix that is not longer than the key's. Kept as one table per prefix
 * length, which is simpler than a trie and fast enough here.
 */
export class LpmTrie extends VmMap {
  readonly #tables: Map<string, Node>[];
  #count = 0;

  constructor(spec: FullMapSpec) {
    super(spec);
    if (spec.keySize < 5 || spec.keySize > 260 || spec.valueSize === 0 || spec.maxEntries === 0) {
      throw mapError(spec, "an LPM trie has keys of 5..260 bytes, values, and at least one entry");
    }
    this.#tables = Array.from({ length: (spec.keySize - 4) * 8 + 1 }, () => new Map<string, Node>());
  }

  override find(key: Uint8Array, _cpu: number): Uint8Array | undefined {
    const longest = readU32(key);
    if (longest >= this.#tables.length) {
      return undefined;
    }
    for (let length = longest; length >= 0; length--) {
      const table = this.#tables[length]!;
      const node = table.size === 0 ? undefined : table.get(prefixText(key, length));
      if (node !== undefined) {
        return node.value;
      }
    }
    return undefined;
  }

  override put(key: Uint8Array, value: Uint8Array, flags: number, _cpu: number): number {
    const table = this.#tables[readU32(key)];
    if (table === undefined) {
      return Errno.EINVAL;
    }
    const text = prefixText(key, readU32(key));
    const exists = table.has(text);
    const problem = flagProblem(flags, exists);
    if (problem !== undefined) {
      return problem;
    }
    if (!exists && this.#count >= this.spec.maxEntries) {
      return Errno.ENOSPC;
    }
    this.#count += exists ? 0 : 1;
    table.set(text, { key: key.slice(), value: value.slice() });
    return 0;
  }

  override remove(key: Uint8Array): number {
    const length = readU32(key);
    const table = this.#tables[length];
    if (table === undefined) {
      return Errno.EINVAL;
    }
    if (!table.delete(prefixText(key, length))) {
      return Errno.ENOENT;
    }
    this.#count--;
    return 0;
  }

  override *elements(_cpu: number): Generator<readonly [Uint8Array, Uint8Array]> {
    for (const table of this.#tables) {
      for (const { key, value } of [...table.values()]) {
        yield [key, value];
      }
    }
  }

  /** By length of prefix, the shortest first; a look-up could find a longer one than the key's own. */
  override *entries(): Generator<readonly [Uint8Array, Uint8Array]> {
    for (const [key, value] of this.elements(0)) {
      yield [key.slice(), value.slice()];
    }
  }
}

/** The first `length` bits of the key's prefix, with the length. */
function prefixText(key: Uint8Array, length: number): string {
  const bytes = Math.ceil(length / 8);
  const prefix = key.slice(4, 4 + bytes);
  if (length % 8 !== 0) {
    prefix[bytes - 1]! &= 0xff << (8 - (length % 8));
  }
  return keyText(u32Bytes(length)) + keyText(prefix);
}
