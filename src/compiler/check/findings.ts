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

/** Every code with its meaning; part of the table of diagnostics. */
export const findingCodes = {
  IOV3001: "the result of arithmetic may be beyond 64 bits",
  IOV3002: "a value may not fit the place that it is written to",
  IOV3003: "the count of a shift may be out of range",
  IOV3004: "an index may be out of range",
  IOV3005: "a 64-bit value that becomes a number may not fit",
  IOV3006: "a loop has no proven bound",
  IOV3007: "the program may run for too long",
  IOV3008: "a view of the packet is used after the packet was changed",
  IOV3009: "a value that may be absent is used",
  IOV3010: "a statement that may not stand while a lock is held",
  IOV3011: "an atomic operation on what is no whole aligned integer in a map",
  IOV3012: "a write to memory that is read-only",
  IOV3013: "an access to the context other than to a whole field",
  IOV3014: "kernel memory that is not read field by field",
  IOV3015: "a value with a lock or a timer that is copied",
  IOV3016: "a key with bytes between its fields",
  IOV3017: "an operation that this kind of program does not have",
  IOV3018: "a return that does not suit the kind of the program",
  IOV3019: "a path that ends without a return",
  IOV3020: "more local storage than the kernel's stack has",
  IOV3021: "a variable that is used before it is given a value",
  IOV3022: "a program that is too large to be checked",
  IOV3023: "a lock or a timer where the kernel does not allow one",
} as const;

export type FindingCode = keyof typeof findingCodes;

function lineOf(at: Position): string {
  return `line ${unpackPosition(at).line}`;
}

function show({ low, high }: Interval): string {
  return low === high ? `${low}` : `${low} to ${high}`;
}

export function mayOverflow(at: Position, range: Interval): Finding {
  return {
    code: "IOV3001",
    at,
    message: `the result may be ${show(range)}, which is beyond 64 bits`,
    remedy: "bound the operands, for example with a comparison or u32(x), or compute in u64, which wraps",
  };
}

export function mayNotFit(at: Position, range: Interval, target: string, allowed: Interval): Finding {
  return {
    code: "IOV3002",
    at,
    message: `the value may be ${show(range)}, but ${target} holds ${show(allowed)}`,
    remedy: /^[ui]\d+$/.test(target)
      ? `write ${target}(x) to keep the low bits, or test the value first`
      : "test the value first, or keep its low bits with a conversion such as u16(x)",
  };
}

export function shiftOutOfRange(at: Position, range: Interval, most: bigint): Finding {
  return {
    code: "IOV3003",
    at,
    message: `the shift's count may be ${show(range)}, but only 0 to ${most} are meaningful`,
    remedy: `mask the count: x << (n & ${most})`,
  };
}

export function indexOutOfRange(at: Position, range: Interval, length: number): Finding {
  return {
    code: "IOV3004",
    at,
    message: `the index may be ${show(range)}, but there are ${length} elements`,
    remedy: `test it first: if (index < ${length}) { ... }`,
  };
}

export function conversionMayNotFit(at: Position, range: Interval): Finding {
  return {
    code: "IOV3005",
    at,
    message: `the value may be ${show(range)}, which is no exact number`,
    remedy: "keep the low bits with u32(x), or test that it is small first",
  };
}

export function unboundedLoop(at: Position, trips: bigint, most: bigint): Finding {
  return {
    code: "IOV3006",
    at,
    message: `the loop may run ${trips} times; ${most} are the most that the kernel runs`,
    remedy: "bound it with a constant: for (let i = 0; i < 16 && i < n; i++), or test the bound first",
  };
}

export function tooMuchWork(at: Position, what: string): Finding {
  return {
    code: "IOV3007",
    at,
    message: `the loops of this program may take too long: ${what}`,
    remedy: "lower the bounds of the loops, or move work out of the innermost one",
  };
}

export function staleReference(at: Position, changedAt: Position | undefined): Finding {
  const where = changedAt === undefined ? "since it was made" : `at ${lineOf(changedAt)}`;
  return {
    code: "IOV3008",
    at,
    message: `this view of the packet is stale: the packet was changed ${where}`,
    remedy: "take the view again with packet.at(...) after the change",
  };
}

export function maybeAbsent(at: Position): Finding {
  return {
    code: "IOV3009",
    at,
    message: "the value may be absent on a path that leads here",
    remedy: "test it before on every path: if (x === undefined) return ...",
  };
}

export function notInLock(at: Position, what: string): Finding {
  return {
    code: "IOV3010",
    at,
    message: `${what} while a lock is held`,
    remedy: "do it before or after withLock; in the lock only read and write the value",
  };
}

export function notAtomic(at: Position): Finding {
  return {
    code: "IOV3011",
    at,
    message: "atomic operations work on u32, i32, u64 and i64 fields of a live map value only",
    remedy: "take the value with map.ref(key), and give the field a native 32- or 64-bit type",
  };
}

export function readOnly(at: Position, region: string): Finding {
  return {
    code: "IOV3012",
    at,
    message: `${region} memory cannot be written to`,
    remedy: "copy it to a local value and change that",
  };
}

export function partOfContext(at: Position): Finding {
  return {
    code: "IOV3013",
    at,
    message: "the context can only be read one whole field at a time, at a place that is known when it is compiled",
    remedy: "read the fields one by one into local variables",
  };
}

export function kernelMemory(at: Position): Finding {
  return {
    code: "IOV3014",
    at,
    message: "kernel memory can only be read field by field, or as a string with readString",
    remedy: "read the fields that you need into local variables",
  };
}

export function copiesOpaque(at: Position): Finding {
  return {
    code: "IOV3015",
    at,
    message: "a value that holds a lock or a timer cannot be copied as a whole",
    remedy: "take it with map.ref(key) and copy the fields that you need",
  };
}

export function paddedKey(at: Position, map: string, bytes: number): Finding {
  return {
    code: "IOV3016",
    at,
    message: `the key of ${map} has ${bytes} bytes between or behind its fields that no field covers`,
    remedy: "order the fields from the widest to the narrowest, or declare the bytes as a field that is always zero",
  };
}

export function wrongKind(at: Position, operation: string, kind: string, kinds: readonly string[]): Finding {
  return {
    code: "IOV3017",
    at,
    message: `${operation} cannot be used in a program of kind ${kind}`,
    remedy: `it is there for ${kinds.join(", ")}`,
  };
}

export function missingVerdict(at: Position): Finding {
  return {
    code: "IOV3018",
    at,
    message: "this program must return a verdict",
    remedy: "return Pass, Drop or another verdict of its kind",
  };
}

export function unwantedVerdict(at: Position): Finding {
  return { code: "IOV3018", at, message: "a tracing program returns nothing", remedy: "write `return` without a value" };
}

export function endsWithoutReturn(at: Position): Finding {
  return {
    code: "IOV3019",
    at,
    message: "a path through this program ends without a verdict",
    remedy: "end every path with a return",
  };
}

export function stackTooLarge(at: Position, bytes: number, most: number): Finding {
  return {
    code: "IOV3020",
    at,
    message: `the local values of this program take about ${bytes} bytes; the kernel gives ${most}`,
    remedy: "keep large values in a per-CPU array map of one entry and work on map.ref(0)",
  };
}

export function unassigned(at: Position, name: string): Finding {
  return {
    code: "IOV3021",
    at,
    message: `"${name}" has no value on a path that leads here`,
    remedy: "give it a value where it is declared",
  };
}

export function tooLargeToCheck(at: Position): Finding {
  return {
    code: "IOV3022",
    at,
    message: "this program has too many paths and nested loops to be checked",
    remedy: "divide it into several programs, or nest fewer loops",
  };
}

export function misplacedOpaque(at: Position, message: string): Finding {
  return {
    code: "IOV3023",
    at,
    message,
    remedy: "put one lock or timer directly into the value of a hash or array map of a packet function",
  };
}
