import { FaultReason } from "./fault.ts";

/**
 * Loads and stores that are not plain bytes, such as the packet pointers in `struct xdp_md`. Offsets are relative to
 * the region's first byte.
 */
export interface FieldAccess {
  /** The loaded value, or undefined when the bytes are plain; throws {@link FaultReason} for a field not readable. */
  load(offset: number, size: number): bigint | undefined;
  /** Throws {@link FaultReason} for a field that may not be written in this way. */
  checkStore(offset: number, size: number): void;
}

/** A run of bytes that a program may address. */
export interface Region {
  /** For messages: "packet", "stack of frame 0". */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The accessible part: first byte and one past the last, as indices of `bytes`. */
  start: number;
  end: number;
  readonly writable: boolean;
  readonly fields: FieldAccess | undefined;
  /** One byte per byte: 1 when written. Undefined when not tracked. */
  readonly written: Uint8Array | undefined;
}

export interface RegionOptions {
  readonly start?: number;
  readonly end?: number;
  readonly writable?: boolean;
  readonly fields?: FieldAccess;
  readonly written?: Uint8Array;
}

/**
 * Where byte 0 of a region lies in its 4 GiB window: far enough from both ends that an offset that runs out of the
 * region cannot reach another one.
 */
export const REGION_BASE = 0x4000_0000;

/**
 * The address space of one run. Each region has a window of 4 GiB of its own: the high half of an address is the
 * region's number (from 1), the low half is {@link REGION_BASE} plus the index of the byte. So a wild pointer faults
 * instead of hitting a neighbour.
 */
export class Memory {
  /** Index of the byte that the last {@link locate} found. */
  at = 0;
  readonly #regions: (Region | undefined)[] = [undefined];
  readonly #addresses = new Map<Uint8Array, bigint>();

  /** Makes `bytes` addressable (shared, not copied) and gives the address of byte 0. */
  add(name: string, bytes: Uint8Array, options: RegionOptions = {}): bigint {
    const region: Region = {
      name,
      bytes,
      view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      start: options.start ?? 0,
      end: options.end ?? bytes.length,
      writable: options.writable ?? true,
      fields: options.fields,
      written: options.written,
    };
    const number = this.#regions.push(region) - 1;
    return (BigInt(number) << 32n) | BigInt(REGION_BASE);
  }

  /** As {@link add}, but the same bytes get the same address each time: for values of maps. */
  addOnce(name: string, bytes: Uint8Array, options: RegionOptions = {}): bigint {
    const known = this.#addresses.get(bytes);
    if (known !== undefined) {
      return known;
    }
    const address = this.add(name, bytes, options);
    this.#addresses.set(bytes, address);
    return address;
  }

  /** Ends the life of the region at `address`: a later access faults. */
  remove(address: bigint): void {
    this.#regions[Number(address >> 32n)] = undefined;
  }

  /** The region of an address, whether or not the address is inside of its accessible part. */
  regionAt(address: bigint): Region | undefined {
    return this.#regions[Number(address >> 32n)];
  }

  /**
   * The region that holds `size` bytes from the address of those halves; sets {@link at}. `low` may lie outside of
   * 32 bits (a displacement was added). Throws {@link FaultReason}.
   */
  locate(high: number, low: number, size: number): Region {
    const region = this.#regions[high];
    const at = low - REGION_BASE;
    if (region === undefined || at < region.start || at + size > region.end) {
      throw outside(region, high, low, size);
    }
    this.at = at;
    return region;
  }

  /** As {@link locate}, for bytes that will be written. */
  locateForStore(high: number, low: number, size: number): Region {
    const region = this.locate(high, low, size);
    if (!region.writable) {
      throw new FaultReason(`store to ${region.name}, which is read-only`);
    }
    region.written?.fill(1, this.at, this.at + size);
    region.fields?.checkStore(this.at, size);
    return region;
  }

  /** The bytes from `address` on as a live view, checked as a load: for arguments that helpers read. */
  read(address: bigint, size: number): Uint8Array {
    if (size === 0) {
      return new Uint8Array(0);
    }
    const region = this.locate(Number(address >> 32n), Number(address & 0xffff_ffffn), size);
    checkWritten(region, this.at, size);
    return region.bytes.subarray(this.at, this.at + size);
  }

  /** The bytes from `address` on as a live view, checked as a store: for buffers that helpers fill. */
  write(address: bigint, size: number): Uint8Array {
    if (size === 0) {
      return new Uint8Array(0);
    }
    const region = this.locateForStore(Number(address >> 32n), Number(address & 0xffff_ffffn), size);
    return region.bytes.subarray(this.at, this.at + size);
  }
}

/** Faults if one of the bytes was never written and the region keeps count. */
export function checkWritten(region: Region, at: number, size: number): void {
  const { written } = region;
  if (written === undefined) {
    return;
  }
  for (let index = at; index < at + size; index++) {
    if (written[index] === 0) {
      throw new FaultReason(`load of byte ${index - region.bytes.length} of ${region.name}, which was never written`);
    }
  }
}

function outside(region: Region | undefined, high: number, low: number, size: number): FaultReason {
  if (region === undefined) {
    const address = (BigInt(high) << 32n) + BigInt(low);
    const what = high === 0 && low >= 0 && low < 0x10000 ? "a null pointer" : "no memory of the program";
    return new FaultReason(`access to ${size} bytes at 0x${BigInt.asUintN(64, address).toString(16)}, ${what}`);
  }
  const at = low - REGION_BASE;
  return new FaultReason(
    `access to ${size} bytes at ${region.name}+${at - region.start} is outside of its ${region.end - region.start} bytes`,
  );
}
