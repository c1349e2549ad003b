/**
 * The operations of the kernel library: one row each. The front end types calls by this table, the HIR checker verifies
 * them by it, the interpreter and the back end each implement every row (tests hold them complete).
 */
import { internalOperations } from "./internal-operations.ts";
import type { PacketModel } from "./kinds.ts";

/** What an argument must be. */
export type ArgumentShape =
  | "number"
  | "u64"
  | "bool"
  /** A reference to any layout of the named region; "ref" alone: any readable region. */
  | "ref"
  | "ref packet"
  | "ref map"
  | "ref local"
  /** The same, of the size of the kernel's struct bpf_fib_lookup. */
  | "fibLookup"
  /** A scalar or a reference, as the map's key or value layout says. */
  | "key"
  | "value"
  /** A reference to a whole live value of the operation's map. */
  | "mapValue"
  /** A reference to an aligned native 32- or 64-bit integer in a map's value. */
  | "atomic"
  /** The type of the atomic's integer (number for 32 bits, u64/i64 for 64). */
  | "atomicValue"
  /** What the metadata of the operation's slot is. */
  | "metadata";

export type ResultShape =
  | "void"
  | "bool"
  | "verdict"
  | "u64"
  | "number u8"
  | "number u16"
  | "number u32"
  /** What the atomic's integer loads as. */
  | "atomicValue"
  /** Optional reference into the packet, of the operation's layout. */
  | "optional packet"
  /** Optional live reference to the map's value. */
  | "optional map"
  /** Optional copy of the map's value: a scalar, or a local reference. */
  | "optional copy"
  | "optional number u16"
  /** Reference to local storage of the operation's layout. */
  | "local"
  /** What the rule's field is: a number, u64, i64 or bool. */
  | "ruleIndex"
  | "ruleField"
  /** What the metadata of the operation's slot is: a number, u64 or bool. */
  | "metadata";

export type MapFamily = "keyed" | "queue" | "ring" | "device" | "program" | "maps";

export interface Operation {
  readonly args: readonly ArgumentShape[];
  readonly result: ResultShape;
  /** For operations of a map: which maps it serves. */
  readonly map?: MapFamily;
  /** Takes a layout (`OperationExpression.layout`). */
  readonly layout?: true;
  /** Names of the compile-time constants, in order. */
  readonly constants?: readonly string[];
  /** Every packet reference made before it is stale afterwards, on every hook (whatever the hook needs). */
  readonly invalidatesPacket?: true;
  /** Calls a helper, so it may not stand inside a lock. Operations without it compile to plain instructions. */
  readonly helper?: true;
  /** Kinds of programs and callbacks that may use it; absent: all. */
  readonly kinds?: readonly string[];
  readonly gplOnly?: true;
  /** What a graph decides: gone when functions are composed to a pipeline, and never compiled. */
  readonly graph?: true;
  /** Has no name in the library: the engine's own code uses it. */
  readonly internal?: true;
  /** Where alone it can be done; absent: at all hooks of its kinds. */
  readonly packetModel?: PacketModel;
  /** One sentence for docs and editor. */
  readonly about: string;
}

const packet = ["packet"] as const;
const connect = ["cgroupConnect4", "cgroupConnect6"] as const;
const tracing = ["tracepoint", "btfTracepoint"] as const;
/** Where timers may be armed (is_tracing_prog_type, kernel/bpf/verifier.c), and who has no packet and no task. */
const timers = [...packet, ...connect, "timer", "element"] as const;

/** A function of a graph may be anything there, calls included. */
const graph = { kinds: packet, helper: true, graph: true } as const;

export const operations = {
  "verdict.pass": { args: [], result: "verdict", kinds: packet, about: "hand the packet to what comes next" },
  "verdict.drop": { args: [], result: "verdict", kinds: packet, about: "discard the packet" },
  "verdict.transmit": {
    args: [],
    result: "verdict",
    kinds: packet,
    helper: true,
    about: "send the packet out of the device that it came in on",
  },
  "verdict.redirect": {
    args: ["number"],
    result: "verdict",
    kinds: packet,
    helper: true,
    about: "send the packet out of the device with this interface index",
  },
  "verdict.redirectMap": {
    args: ["number"],
    result: "verdict",
    map: "device",
    kinds: packet,
    helper: true,
    about: "send the packet out of the device at this key of a device map; drop it when there is none",
  },
  "verdict.forward": {
    ...graph,
    args: ["number"],
    result: "verdict",
    about: "send the packet out of a port of this instance",
  },
  "verdict.flood": {
    ...graph,
    args: ["number", "number"],
    result: "verdict",
    about:
      "send a copy out of every port of a group but the packet's own; ports that the group marks as tagged get an 802.1Q tag with this tag control information",
  },
  "verdict.dropFor": {
    ...graph,
    args: [],
    result: "verdict",
    constants: ["reason"],
    about: "discard the packet for a reason of the module, from 1 on; 0 is unspecified",
  },
  "verdict.punt": {
    ...graph,
    args: [],
    result: "verdict",
    constants: ["reason"],
    about: "hand the packet to the host side of the instance, for a reason of the module, from 0 on",
  },
  "verdict.allow": { args: [], result: "verdict", kinds: connect, about: "let the connection be made" },
  "verdict.deny": { args: [], result: "verdict", kinds: connect, about: "refuse the connection with EPERM" },

  "packet.length": { args: [], result: "number u32", kinds: packet, about: "length of the packet in bytes" },
  "packet.at": {
    args: ["number"],
    result: "optional packet",
    layout: true,
    kinds: packet,
    about: "view of a layout at a byte offset; absent when the packet is shorter",
  },
  "packet.ingressIfindex": {
    args: [],
    result: "number u32",
    kinds: packet,
    about: "index of the device it came in on",
  },
  "packet.queue": { args: [], result: "number u32", kinds: packet, about: "receive queue it came in on" },
  "packet.gsoSize": {
    args: [],
    result: "number u32",
    kinds: packet,
    about: "bytes of payload in each segment of a packet that is cut up on its way out; 0 for others, and at XDP",
  },
  "packet.port": {
    ...graph,
    args: [],
    result: "number u32",
    about: "number of the instance's port that the packet came in on",
  },
  "packet.vlanTag": {
    args: [],
    result: "optional number u16",
    kinds: packet,
    about: "VLAN tag control information that the device took out of the frame; always absent at XDP",
  },
  "packet.vlanProtocol": {
    args: [],
    result: "optional number u16",
    kinds: packet,
    about:
      "EtherType of the tag that the device took out of the frame: 0x8100, or 0x88a8 for a service tag; always absent at XDP",
  },
  "packet.setLength": {
    args: ["number"],
    result: "bool",
    kinds: packet,
    helper: true,
    invalidatesPacket: true,
    about: "cut or extend the packet at its end; false when it cannot be done",
  },
  "packet.adjustRoom": {
    args: [],
    result: "bool",
    constants: ["delta"],
    kinds: packet,
    helper: true,
    invalidatesPacket: true,
    about:
      "insert (positive) or remove (negative) bytes right behind the Ethernet header; false when it cannot be done",
  },
  "packet.pushVlan": {
    args: ["number"],
    result: "bool",
    constants: ["protocol"],
    kinds: packet,
    helper: true,
    invalidatesPacket: true,
    about:
      "put a tag with this tag control information behind the MAC addresses, 802.1Q (protocol 0x8100) or 802.1ad (0x88a8); false when it cannot be done",
  },
  "packet.popVlan": {
    args: [],
    result: "bool",
    kinds: packet,
    helper: true,
    invalidatesPacket: true,
    about: "take the outermost tag off, 802.1Q or 802.1ad; false when there is none",
  },
  "packet.replaceChecksum": {
    args: ["number", "number", "number"],
    result: "bool",
    constants: ["size", "layer", "pseudoHeader", "zeroMeansNone"],
    kinds: packet,
    helper: true,
    invalidatesPacket: true,
    about:
      "update the 16-bit ones' complement checksum at a byte offset after a field of `size` bytes (2 or 4) changed from one host-order value to another (RFC 1624); layer 3: an IPv4 header's checksum, layer 4: a transport checksum; pseudoHeader: the field belongs to the pseudo-header; zeroMeansNone: 0 stands for no checksum (UDP over IPv4)",
  },
  "packet.fibLookup": {
    args: ["fibLookup"],
    result: "number u32",
    constants: ["lookupFlags"],
    kinds: packet,
    helper: true,
    about:
      "ask the kernel where it would forward a packet to; fills in device and MAC addresses, and gives a FibResult, or a negative error as u32",
  },

  "metadata.get": {
    ...graph,
    args: [],
    result: "metadata",
    constants: ["slot"],
    about: "value that travels with the packet from function to function; 0 or false at first",
  },
  "metadata.set": {
    ...graph,
    args: ["metadata"],
    result: "void",
    constants: ["slot"],
    about: "set a value that travels with the packet",
  },

  "map.get": {
    args: ["key"],
    result: "optional copy",
    map: "keyed",
    helper: true,
    about: "copy of the value at a key",
  },
  "map.ref": { args: ["key"], result: "optional map", map: "keyed", helper: true, about: "live value at a key" },
  "map.set": {
    args: ["key", "value"],
    result: "bool",
    map: "keyed",
    constants: ["flags"],
    helper: true,
    about: "write the value at a key; false when the map refuses (full, or flags forbid)",
  },
  "map.delete": { args: ["key"], result: "bool", map: "keyed", helper: true, about: "remove a key; false when absent" },
  "map.forEach": {
    args: [],
    result: "void",
    map: "keyed",
    constants: ["callback"],
    helper: true,
    about: "call a callback with the key and the live value of each entry",
  },
  "timer.start": {
    args: ["mapValue", "u64"],
    result: "bool",
    map: "keyed",
    constants: ["callback"],
    helper: true,
    kinds: timers,
    about: "let the timer of a live map value call a callback after so many nanoseconds; false when it cannot be armed",
  },
  "timer.cancel": {
    args: ["mapValue"],
    result: "bool",
    map: "keyed",
    helper: true,
    kinds: timers,
    about: "stop the timer of a live map value; whether it was armed",
  },
  "queue.push": { args: ["value"], result: "bool", map: "queue", helper: true, about: "append; false when full" },
  "queue.pop": { args: [], result: "optional copy", map: "queue", helper: true, about: "take the next element" },
  "queue.peek": { args: [], result: "optional copy", map: "queue", helper: true, about: "read the next element" },
  "ring.emit": {
    args: ["value"],
    result: "bool",
    map: "ring",
    helper: true,
    about: "send an event to the host; false when the ring is full (the loss is the caller's to count)",
  },
  "ring.emitPacket": {
    args: ["value"],
    result: "bool",
    map: "ring",
    kinds: packet,
    helper: true,
    about:
      "send an event to the host with the packet behind it, cut where the ring's events end; false when it is full",
  },
  "program.tailCall": {
    args: ["number"],
    result: "void",
    map: "program",
    helper: true,
    kinds: packet,
    invalidatesPacket: true,
    about: "continue in the program at this index; goes on here when there is none",
  },

  "atomic.add": { args: ["atomic", "atomicValue"], result: "void", about: "add, without reading back" },
  "atomic.fetchAdd": { args: ["atomic", "atomicValue"], result: "atomicValue", about: "add; gives the old value" },
  "atomic.fetchAnd": { args: ["atomic", "atomicValue"], result: "atomicValue", about: "and; gives the old value" },
  "atomic.fetchOr": { args: ["atomic", "atomicValue"], result: "atomicValue", about: "or; gives the old value" },
  "atomic.fetchXor": { args: ["atomic", "atomicValue"], result: "atomicValue", about: "xor; gives the old value" },
  "atomic.exchange": { args: ["atomic", "atomicValue"], result: "atomicValue", about: "swap; gives the old value" },
  "atomic.compareExchange": {
    args: ["atomic", "atomicValue", "atomicValue"],
    result: "atomicValue",
    about: "write the third argument if the second is there; gives the old value",
  },

  "time.monotonic": { args: [], result: "u64", helper: true, about: "nanoseconds since boot, without suspend" },
  "time.coarse": {
    args: [],
    result: "u64",
    helper: true,
    kinds: [...packet, ...connect, "timer"],
    about: "the same at the resolution of the timer tick",
  },
  "time.jiffies": { args: [], result: "u64", helper: true, about: "timer ticks since boot" },
  "random.u32": { args: [], result: "number u32", helper: true, about: "pseudo-random 32 bits" },
  "cpu.id": { args: [], result: "number u32", helper: true, about: "the processor that runs this" },
  "process.id": {
    args: [],
    result: "number u32",
    helper: true,
    kinds: tracing,
    about: "process id (tgid) of the current task",
  },
  "process.threadId": {
    args: [],
    result: "number u32",
    helper: true,
    kinds: tracing,
    about: "thread id of the current task",
  },
  "process.userId": {
    args: [],
    result: "number u32",
    helper: true,
    kinds: tracing,
    about: "user id of the current task",
  },
  "process.command": {
    args: [],
    result: "local",
    layout: true,
    helper: true,
    kinds: tracing,
    about: "command name of the current task, 16 bytes",
  },
  "process.cgroupId": {
    args: [],
    result: "u64",
    helper: true,
    kinds: tracing,
    about: "cgroup v2 id of the current task",
  },
  "kernel.readString": {
    args: ["ref local", "u64"],
    result: "number u32",
    helper: true,
    kinds: tracing,
    gplOnly: true,
    about: "copy a zero-terminated string from a kernel address; gives the bytes copied, 0 on a fault",
  },
  "kernel.readUserString": {
    args: ["ref local", "u64"],
    result: "number u32",
    helper: true,
    kinds: tracing,
    gplOnly: true,
    about: "copy a zero-terminated string from an address of the current process; gives the bytes copied, 0 on a fault",
  },
  "kernel.address": { args: ["ref"], result: "u64", kinds: tracing, about: "a kernel reference as a number" },

  "rule.index": {
    args: ["number"],
    result: "ruleIndex",
    constants: ["setting"],
    about: "the position in its list of the rule that a match found",
  },
  "rule.field": {
    args: ["number"],
    result: "ruleField",
    constants: ["setting", "field"],
    about: "a plain field of the rule that a match found",
  },

  "bytes.equal": { args: ["ref", "ref"], result: "bool", about: "whether two values of one size agree in every byte" },
  ...internalOperations,
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof operations;

/** The operations that are gone when functions are composed to a pipeline. */
export type GraphOperation = {
  [Name in OperationName]: (typeof operations)[Name] extends { readonly graph: true } ? Name : never;
}[OperationName];

/** Whether an operation writes to the local storage that it is given as this argument. */
export function isWrittenLocal(shape: ArgumentShape): boolean {
  return shape === "ref local" || shape === "fibLookup";
}

export function operationNamed(name: string): Operation | undefined {
  return Object.hasOwn(operations, name) ? operations[name as OperationName] : undefined;
}
