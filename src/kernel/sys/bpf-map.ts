/** The map commands of bpf(2), one function each. All return the call's result or the negative error number. */
import { Attributes } from "./attributes.ts";
import { command } from "./constants.ts";

/** Arguments of BPF_MAP_CREATE. */
export interface MapCreateOptions {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number;
  readonly name?: string;
  readonly innerMapFd?: number;
  readonly mapExtra?: number | bigint;
  readonly btfFd?: number;
  readonly btfKeyTypeId?: number;
  readonly btfValueTypeId?: number;
  readonly ifindex?: number;
}

/** Makes a map; returns its descriptor. */
export function mapCreate(options: MapCreateOptions): number {
  const attributes = new Attributes()
    .u32(0, options.type)
    .u32(4, options.keySize)
    .u32(8, options.valueSize)
    .u32(12, options.maxEntries)
    .u32(16, options.flags ?? 0)
    .u32(20, options.innerMapFd ?? 0)
    .name(28, options.name ?? "")
    .u32(44, options.ifindex ?? 0)
    .u32(48, options.btfFd ?? 0)
    .u32(52, options.btfKeyTypeId ?? 0)
    .u32(56, options.btfValueTypeId ?? 0)
    .u64(64, options.mapExtra ?? 0);
  return attributes.call(command.mapCreate);
}

/** Makes a map read-only for user space, for good. */
export function mapFreeze(fd: number): number {
  return new Attributes().u32(0, fd).call(command.mapFreeze);
}

/** Arguments of the batch commands. `keys` and `values` hold at least `count` entries. */
export interface MapBatchOptions {
  readonly fd: number;
  readonly count: number;
  readonly keys?: Uint8Array | undefined;
  readonly values?: Uint8Array | undefined;
  /** Where to go on: the `cursorOut` of the call before; absent for the first. */
  readonly cursorIn?: Uint8Array | undefined;
  readonly cursorOut?: Uint8Array | undefined;
  readonly elementFlags?: number;
}

/** What a batch command did: `count` entries were handled even when `result` is an error. */
export interface MapBatchResult {
  readonly result: number;
  readonly count: number;
}

/** Runs one of the four batch commands. */
export function mapBatch(batchCommand: number, options: MapBatchOptions): MapBatchResult {
  const attributes = new Attributes()
    .pointer(0, options.cursorIn)
    .pointer(8, options.cursorOut)
    .pointer(16, options.keys)
    .pointer(24, options.values)
    .u32(32, options.count)
    .u32(36, options.fd)
    .u64(40, options.elementFlags ?? 0);
  const result = attributes.call(batchCommand);
  return { result, count: attributes.getU32(32) };
}
