/**
 * The ring buffer's protocol over shared memory (kernel/bpf/ringbuf.c): two positions that only grow, and records of
 * an 8-byte header and data, each rounded up to 8 bytes. The data area appears twice in a row, so that no record is
 * ever split.
 */

/** The memory of a ring. */
export interface RingMemory {
  /** The consumer's page; its first word is the position up to which records were read. */
  readonly consumer: ArrayBuffer;
  /** The producer's page, which holds the position up to which records were reserved, then the data area, twice. */
  readonly producer: ArrayBuffer;
  /** Where in `producer` the data area starts: one page. */
  readonly dataOffset: number;
  /** Size of the data area: a power of two. */
  readonly size: number;
}

/** Called with a record's data at `view[offset..offset+length]`, valid during the call only. */
export type RecordVisitor = (view: DataView, offset: number, length: number) => void;

/** Bit 31 of the header's length word: reserved, not submitted yet. As a signed word: it is negative. */
const DISCARDED = 1 << 30;
const LENGTH_MASK = DISCARDED - 1;
const HEADER_SIZE = 8;

/** Reads records. One reader per ring: the position is shared with the kernel. */
export class RingReader {
  readonly #mask: number;
  readonly #dataOffset: number;
  readonly #view: DataView;
  readonly #words: Int32Array;
  readonly #consumer: BigUint64Array;
  /** Give space back to the kernel at least this often while draining. */
  readonly #commitAfter: number;
  #position: number;
  #closed = false;

  constructor(memory: RingMemory) {
    this.#mask = memory.size - 1;
    this.#dataOffset = memory.dataOffset;
    this.#view = new DataView(memory.producer);
    this.#words = new Int32Array(memory.producer);
    this.#consumer = new BigUint64Array(memory.consumer, 0, 1);
    this.#commitAfter = memory.size >>> 3;
    this.#position = Number(Atomics.load(this.#consumer, 0));
  }

  /** Bytes between the two positions, headers and busy records included. */
  get pending(): number {
    // The low words suffice: positions are less than 2^32 apart.
    return (Atomics.load(this.#words, 0) - (this.#position | 0)) >>> 0;
  }

  /** To be called before the memory goes away, also by a visitor: a drain under way ends without touching it. */
  close(): void {
    this.#closed = true;
  }

  #commit(consumed: number): void {
    this.#position += consumed;
    Atomics.store(this.#consumer, 0, BigInt(this.#position));
  }

  /**
   * Visits up to `limit` records in order and stops at the first one that is not submitted yet. Returns how many were
   * visited. A visitor that throws has consumed its record.
   */
  drain(visit: RecordVisitor, limit: number): number {
    const words = this.#words;
    const view = this.#view;
    const mask = this.#mask;
    const base = this.#dataOffset;
    let count = 0;
    let consumed = 0;
    try {
      for (let pending = this.pending; consumed < pending && count < limit; ) {
        const at = base + ((this.#position + consumed) & mask);
        const header = Atomics.load(words, at >>> 2);
        if (header < 0) break;
        const length = header & LENGTH_MASK;
        consumed += (length + HEADER_SIZE + 7) & ~7;
        if ((header & DISCARDED) === 0) {
          count++;
          visit(view, at + HEADER_SIZE, length);
          if (this.#closed) return count;
        }
        if (consumed >= this.#commitAfter || consumed >= pending) {
          this.#commit(consumed);
          consumed = 0;
          pending = this.pending;
        }
      }
    } finally {
      if (consumed > 0 && !this.#closed) this.#commit(consumed);
    }
    return count;
  }
}
