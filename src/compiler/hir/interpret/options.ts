import type { HookName } from "../../../language/kinds.ts";
import type { MapStore } from "../map-store.ts";
import type { SettingValues } from "../settings.ts";
import type { Expression, Program } from "../tree.ts";
import type { TimerQueue } from "./timers.ts";
import type { Value } from "./values.ts";

/** What surrounds a run: all that a program can observe, so that a run is a function of it. */
export interface InterpretInput {
  readonly hook: HookName;
  /** The frame, for packet programs. It is copied. */
  readonly packet?: Uint8Array;
  /** One store for each map of the module, in its order. Absent: new ones, which the result gives back. */
  readonly maps?: readonly MapStore[];
  /** As `resolveSettings` gives them. Absent: the defaults. */
  readonly settings?: SettingValues;
  /** Where timers are armed: kept over several runs, for `advanceTimers`. Absent: a new one, which nobody sees. */
  readonly timers?: TimerQueue;
  /** Nanoseconds; asked once for each `time.*` operation and each start of a timer. Default: 0, 1000, 2000, ... */
  readonly clock?: () => bigint;
  /** 32 random bits. Default: a fixed sequence. */
  readonly random?: () => number;
  readonly cpu?: number;
  readonly ingressIfindex?: number;
  readonly queue?: number;
  /** Bytes of payload in each segment of the packet. Default: 0, a packet that is not cut up. */
  readonly gsoSize?: number;
  /**
   * What `packet.fibLookup` gives for the bytes of a struct bpf_fib_lookup, which it fills in. Absent: there are no
   * routes.
   */
  readonly fibLookup?: (lookup: Uint8Array, request: FibRequest) => number;
  /** The port of the instance that the packet came in on. Default: 0. */
  readonly port?: number;
  /** What functions before this one set, by name. Absent: 0 or false. */
  readonly metadata?: MetadataValues;
  /** The tag that the device took out of the frame; only skb hooks have one. */
  readonly vlanTag?: number;
  /** Its EtherType. Default: 0x8100. */
  readonly vlanProtocol?: number;
  /** The greatest length that the packet may be given. Default: 3520 at XDP, 16064 at skb hooks. */
  readonly maxLength?: number;
  /** The context record: its bytes, or an object that `kernel` understands. */
  readonly context?: unknown;
  readonly kernel?: KernelModel;
  readonly process?: ProcessModel;
  /** The program in a slot of a program array, by the map's index in the module. */
  readonly tailCall?: (map: number, slot: number) => Program | undefined;
  /** Sees the value of every expression when it has been evaluated. */
  readonly observe?: (node: Expression, value: ObservedValue) => void;
  /** Statements and rounds of loops before the run is given up. Default: 10 million. */
  readonly maxSteps?: number;
}

export interface FibRequest {
  readonly flags: number;
  /** Of a packet at an skb hook that is not cut up on its way out. */
  readonly frameLength: number | undefined;
}

/** Values that travel with the packet, by name. */
export type MetadataValues = Readonly<Record<string, bigint | boolean>>;

/** An integer or a bool; a verdict or a reference; undefined for an absent optional. */
export type ObservedValue = Value;

/** Kernel memory as objects; offsets and sizes are not part of HIR's meaning. */
export interface KernelModel {
  /** The value at a path of an object: an integer, a bool, another object, or undefined for a null pointer. */
  field(object: unknown, struct: string, path: readonly string[]): unknown;
  /** The address of an object, and of the chars of an array field. */
  address(object: unknown): bigint;
  /** The bytes of a zero-terminated string, without the zero; undefined for an address that faults. */
  string(address: bigint, space: "kernel" | "user"): Uint8Array | undefined;
}

export interface ProcessModel {
  readonly id: number;
  readonly threadId: number;
  readonly userId: number;
  readonly command: string;
  readonly cgroupId: bigint;
}
