import type { Position } from "../hir/position.ts";
import { unpackPosition } from "../hir/position.ts";
import type { Interval } from "./interval.ts";

/** What the flow checker finds wrong, in the form of the front end's diagnostics. */
export interface Finding {
  readonly code: FindingCode;
  readonly at: Position;
  readonly message: string;
  readonly remedy: string;
}

/** What a code means, and what to do about it in general; each finding says it for its place. */
export interface FindingMeaning {
  readonly meaning: string;
  readonly remedy: string;
}

/** Every code of the flow checker: part of the errors page. */
export const findingCodes = {
  IOV4001: {
    meaning: "The result of arithmetic on numbers may be beyond 64 bits.",
    remedy: "Bound the operands, or compute in u64, which wraps.",
  },
  IOV4002: {
    meaning: "A value may not fit the place that it is written to.",
    remedy: "Convert it with u8(x), u16(x), u32(x) ..., or test it first.",
  },
  IOV4003: { meaning: "The count of a shift may be out of range.", remedy: "Mask the count: `x << (n & 31)`." },
  IOV4004: { meaning: "An index may be out of range.", remedy: "Test the index first: `if (index < length)`." },
  IOV4005: {
    meaning: "A 64-bit value that becomes a number may not fit.",
    remedy: "Keep the low bits with u32(x), or test it first.",
  },
  IOV4006: {
    meaning: "A loop has no proven bound that the kernel allows.",
    remedy: "Bound it with a constant and leave early: `for (let i = 0; i < 16; i++) { if (i >= n) break; ... }`.",
  },
  IOV4007: {
    meaning: "The loops of a program may take longer than the kernel's verifier, or a packet, can wait.",
    remedy: "Lower the bounds, or move work out of the innermost loop.",
  },
  IOV4008: {
    meaning: "A view of the packet is used after the packet was changed or a tail call came back.",
    remedy: "Take the view again with packet.at(...).",
  },
  IOV4009: {
    meaning: "A value that may be absent is used.",
    remedy: "Test it before on every path: `if (x === undefined) return ...`.",
  },
  IOV4010: {
    meaning: "A statement may not stand while a lock is held.",
    remedy: "In withLock only read and write the value; no loops, returns or calls into the kernel.",
  },
  IOV4011: {
    meaning: "An atomic operation works on a native 32- or 64-bit field of a live map value only.",
    remedy: "Take the value with map.ref(key), and give the field the type u32, i32, u64 or i64.",
  },
  IOV4012: { meaning: "Memory is written to that is read-only.", remedy: "Copy it to a local value and change that." },
  IOV4013: {
    meaning: "The context is read other than by whole fields.",
    remedy: "Read its fields one by one into local variables.",
  },
  IOV4014: {
    meaning: "Kernel memory is read other than field by field.",
    remedy: "Read the fields that you need, and strings with readString.",
  },
  IOV4015: {
    meaning: "A value that holds a lock or a timer is copied as a whole.",
    remedy: "Take it with map.ref(key) and copy the fields that you need.",
  },
  IOV4016: {
    meaning: "A key has bytes that no field covers; the kernel compares them too.",
    remedy: "Order the fields from the widest to the narrowest, or declare the bytes as a field.",
  },
  IOV4017: {
    meaning: "An operation is used that this kind of program does not have.",
    remedy: "Use it in a program of a kind that the message names.",
  },
  IOV4018: {
    meaning: "A return does not suit the kind of the program.",
    remedy: "Packet and connect programs return a verdict, tracers and callbacks nothing.",
  },
  IOV4019: { meaning: "A path through the program ends without a verdict.", remedy: "End every path with a return." },
  IOV4020: {
    meaning: "The local values need more than the kernel's stack of 512 bytes.",
    remedy: "Keep large values in a per-CPU array map of one entry.",
  },
  IOV4021: {
    meaning: "A variable is used before it has a value.",
    remedy: "Give it a value where it is declared, or on every path.",
  },
  IOV4022: {
    meaning: "The program has too many paths and nested loops to be checked.",
    remedy: "Divide it into several programs, or nest fewer loops.",
  },
  IOV4023: {
    meaning: "A lock or a timer stands where the kernel does not allow one.",
    remedy: "Put one lock or timer directly into the value of a hash or array map of a packet function.",
  },
  IOV4030: {
    meaning: "A packet is forwarded to a port that the function may not have.",
    remedy: "Declare the ports with fixedPorts or dynamicPorts, and test the number first: `if (port < LIMIT)`.",
  },
  IOV4024: {
    meaning: "A timer is started or cancelled by a value that is not known to be one of the map's.",
    remedy: "Give what the same map's ref(key) gave, or the value that a callback of the map got.",
  },
  IOV4025: {
    meaning: "The callback of forEach goes over a map itself.",
    remedy: "Go over one map after the other, or keep what is needed in a map.",
  },
  IOV4026: {
    meaning: "A timer's callback starts another timer that leads back to it; the kernel's verifier finds no end.",
    remedy: "Start the callback's own timer again, by the value that it got.",
  },
} as const satisfies Readonly<Record<string, FindingMeaning>>;

export type FindingCode = keyof typeof findingCodes;

function lineOf(at: Position): string {
  return `line ${unpackPosition(at).line}`;
}

function show({ low, high }: Interval): string {
  return low === high ? `${low}` : `${low} to ${high}`;
}

export function mayOverflow(at: Position, range: Interval): Finding {
  return {
    code: "IOV4001",
    at,
    message: `the result may be ${show(range)}, which is beyond 64 bits`,
    remedy: "bound the operands, for example with a comparison or u32(x), or compute in u64, which wraps",
  };
}

export function mayNotFit(at: Position, range: Interval, target: string, allowed: Interval): Finding {
  return {
    code: "IOV4002",
    at,
    message: `the value may be ${show(range)}, but ${target} holds ${show(allowed)}`,
    remedy: /^[ui]\d+$/.test(target)
      ? `write ${target}(x) to keep the low bits, or test the value first`
      : "test the value first, or keep its low bits with a conversion such as u16(x)",
  };
}

export function shiftOutOfRange(at: Position, range: Interval, most: bigint): Finding {
  return {
    code: "IOV4003",
    at,
    message: `the shift's count may be ${show(range)}, but only 0 to ${most} are meaningful`,
    remedy: `mask the count: x << (n & ${most})`,
  };
}

export function indexOutOfRange(at: Position, range: Interval, length: number): Finding {
  return {
    code: "IOV4004",
    at,
    message: `the index may be ${show(range)}, but there are ${length} elements`,
    remedy: `test it first: if (index < ${length}) { ... }`,
  };
}

export function conversionMayNotFit(at: Position, range: Interval): Finding {
  return {
    code: "IOV4005",
    at,
    message: `the value may be ${show(range)}, which is no exact number`,
    remedy: "keep the low bits with u32(x), or test that it is small first",
  };
}

export function unboundedLoop(at: Position, trips: bigint, most: bigint): Finding {
  return {
    code: "IOV4006",
    at,
    message: `the loop may run ${trips} times; ${most} are the most that the kernel runs`,
    remedy: "bound it with a constant and leave early: for (let i = 0; i < 16; i++) { if (i >= n) break; ... }",
  };
}

export function tooMuchWork(at: Position, what: string): Finding {
  return {
    code: "IOV4007",
    at,
    message: `the loops of this program may take too long: ${what}`,
    remedy: "lower the bounds of the loops, or move work out of the innermost one",
  };
}

export function staleReference(at: Position, changedAt: Position | undefined): Finding {
  const where = changedAt === undefined ? "since it was made" : `at ${lineOf(changedAt)}`;
  return {
    code: "IOV4008",
    at,
    message: `this view of the packet is stale: the packet may have been changed ${where}`,
    remedy: "take the view again with packet.at(...) after the change",
  };
}

/** @param anew it is read here, and was not tested before */
export function maybeAbsent(at: Position, anew: boolean): Finding {
  return {
    code: "IOV4009",
    at,
    message: "the value may be absent on a path that leads here",
    remedy: anew
      ? "it is read anew here: keep it in a const and test that, const x = ...; if (x === undefined) return ..."
      : "test it before on every path: if (x === undefined) return ...",
  };
}

export function notInLock(at: Position, what: string): Finding {
  return {
    code: "IOV4010",
    at,
    message: `${what} while a lock is held`,
    remedy: "do it before or after withLock; in the lock only read and write the value",
  };
}

export function notAtomic(at: Position): Finding {
  return {
    code: "IOV4011",
    at,
    message: "atomic operations work on u32, i32, u64 and i64 fields of a live map value only",
    remedy: "take the value with map.ref(key), and give the field a native 32- or 64-bit type",
  };
}

export function readOnly(at: Position, region: string): Finding {
  return {
    code: "IOV4012",
    at,
    message: `${region} memory cannot be written to`,
    remedy: "copy it to a local value and change that",
  };
}

/** @param of what is read in part: of an IPv6 address the remedy says how to compare it */
export function partOfContext(at: Position, of: "an address" | "another field"): Finding {
  return {
    code: "IOV4013",
    at,
    message: "the context can only be read one whole field at a time, at a place that is known when it is compiled",
    remedy:
      of === "an address"
        ? 'compare it as a whole, equal(address, ipv6("::1")), or read its bytes at constant indexes'
        : "read the fields one by one into local variables",
  };
}

export function kernelMemory(at: Position): Finding {
  return {
    code: "IOV4014",
    at,
    message: "kernel memory can only be read field by field, or as a string with readString",
    remedy: "read the fields that you need into local variables",
  };
}

export function copiesOpaque(at: Position): Finding {
  return {
    code: "IOV4015",
    at,
    message: "a value that holds a lock or a timer cannot be copied as a whole",
    remedy: "take it with map.ref(key) and copy the fields that you need",
  };
}

export function paddedKey(at: Position, map: string, bytes: number): Finding {
  return {
    code: "IOV4016",
    at,
    message: `the key of ${map} has ${bytes} bytes between or behind its fields that no field covers`,
    remedy: "order the fields from the widest to the narrowest, or declare the bytes as a field that is always zero",
  };
}

export function wrongKind(at: Position, operation: string, kind: string, kinds: readonly string[]): Finding {
  return {
    code: "IOV4017",
    at,
    message: `${operation} cannot be used in a program of kind ${kind}`,
    remedy: `it is there for ${kinds.join(", ")}`,
  };
}

export function missingVerdict(at: Position): Finding {
  return {
    code: "IOV4018",
    at,
    message: "this program must return a verdict",
    remedy: "return Pass, Drop or another verdict of its kind",
  };
}

export function unwantedVerdict(at: Position): Finding {
  return {
    code: "IOV4018",
    at,
    message: "a tracing program and a callback return nothing",
    remedy: "write `return` without a value",
  };
}

export function endsWithoutReturn(at: Position): Finding {
  return {
    code: "IOV4019",
    at,
    message: "a path through this program ends without a verdict",
    remedy: "end every path with a return",
  };
}

/** A local value on the stack. */
export interface Stored {
  readonly name: string;
  readonly bytes: number;
  readonly at: Position;
}

export function stackTooLarge(at: Position, bytes: number, most: number, held: readonly Stored[]): Finding {
  const greatest = [...held].sort((left, right) => right.bytes - left.bytes).slice(0, 4);
  const list = greatest.map((one) => `${one.name} ${one.bytes} at ${lineOf(one.at)}`).join(", ");
  return {
    code: "IOV4020",
    at,
    message: `the local values of this program take about ${bytes} bytes (${list}); the kernel gives ${most}`,
    remedy: "keep large values in a per-CPU array map of one entry and work on map.ref(0)",
  };
}

export function unassigned(at: Position, name: string): Finding {
  return {
    code: "IOV4021",
    at,
    message: `"${name}" has no value on a path that leads here`,
    remedy: "give it a value where it is declared",
  };
}

export function tooLargeToCheck(at: Position): Finding {
  return {
    code: "IOV4022",
    at,
    message: "this program has too many paths and nested loops to be checked",
    remedy: "divide it into several programs, or nest fewer loops",
  };
}

export function misplacedOpaque(at: Position, message: string): Finding {
  return {
    code: "IOV4023",
    at,
    message,
    remedy: "put one lock or timer directly into the value of a hash or array map of a packet function",
  };
}

export function portOutOfRange(at: Position, range: Interval, count: number): Finding {
  if (count === 0) {
    const remedy = 'declare them: export const ports = fixedPorts("inside", "outside")';
    return { code: "IOV4030", at, message: "the module declares no ports", remedy };
  }
  const ports = count === 1 ? "port 0 only" : `ports 0 to ${count - 1}`;
  return {
    code: "IOV4030",
    at,
    message: `the port may be ${show(range)}, but the function has ${ports}`,
    remedy: `test it first: if (port < ${count}) { ... }`,
  };
}

export function otherMap(at: Position, map: string): Finding {
  return {
    code: "IOV4024",
    at,
    message: `this value is not known to be one of ${map}`,
    remedy: `take it with ${map}.ref(key), or use the value that a callback of ${map} got`,
  };
}

export function nestedIteration(at: Position): Finding {
  return {
    code: "IOV4025",
    at,
    message: "forEach inside of the callback of a forEach",
    remedy: "go over one map after the other",
  };
}

export function armsOthers(at: Position): Finding {
  return {
    code: "IOV4026",
    at,
    message: "a timer's callback can start itself again on the value that it got only",
    remedy: "use the callback's own value",
  };
}

export function armsInCircle(at: Position): Finding {
  return {
    code: "IOV4026",
    at,
    message: "this timer's callback leads back to the one that starts it here",
    remedy: "let each callback start its own timer again, or start both from a program",
  };
}
