import { type HelperName, helpers } from "./helpers.ts";
import {
  type AtomicOp,
  atomicOps,
  type BinaryOp,
  binaryOps,
  type CompareOp,
  compareOps,
  type Edge,
  type Instruction,
  type MemoryRegion,
  memoryRegions,
  type Size,
  type Terminator,
  type UnaryOp,
  unaryOps,
  type Value,
  type Width,
} from "./ir.ts";
import type { LineScanner } from "./scanner.ts";

/** Reads what stands behind the instruction and ends its line. */
type ReadPosition = (line: LineScanner) => number;

export function parseInstruction(line: LineScanner, position: ReadPosition): Instruction {
  let result: Value | undefined;
  if (/^v\d+$/.test(line.peek())) {
    result = line.id("v");
    line.expect("=");
  }
  const word = line.word();
  if (word === "store") {
    if (result !== undefined) throw line.error("a store has no result");
    return parseStore(line, position);
  }
  if (word === "atomic") return parseAtomic(line, result, position);
  if (result === undefined) throw line.error("an instruction with a result starts with v<number> =");
  return parseDefinition(line, word, result, position);
}

function parseDefinition(line: LineScanner, word: string, result: Value, position: ReadPosition): Instruction {
  switch (word) {
    case "const": {
      const value = BigInt.asUintN(64, line.integer());
      return { kind: "const", result, value, at: position(line) };
    }
    case "map": {
      const map = line.small();
      return { kind: "mapAddress", result, map, at: position(line) };
    }
    case "mapvalue": {
      const map = line.small();
      line.expect("+");
      const offset = line.small();
      return { kind: "mapValueAddress", result, map, offset, at: position(line) };
    }
    case "function": {
      const callee = line.word();
      return { kind: "functionAddress", result, callee, at: position(line) };
    }
    case "slot": {
      const slot = line.id("s");
      return { kind: "slotAddress", result, slot, at: position(line) };
    }
    case "hiddenzero":
      return { kind: "hiddenZero", result, at: position(line) };
    case "address": {
      const base = line.id("v");
      line.expect("+");
      const index = line.id("v");
      const within = line.take("within") ? { within: line.small() } : {};
      return { kind: "address", result, base, index, ...within, at: position(line) };
    }
    case "load": {
      const { size, signed } = parseSize(line);
      const place = parsePlace(line);
      return { kind: "load", result, size, signed, ...place, at: position(line) };
    }
    case "helper":
    case "kfunc":
    case "call":
      return parseCall(line, word, result, position);
    default:
      return parseArithmetic(line, word, result, position);
  }
}

function parseArithmetic(line: LineScanner, word: string, result: Value, position: ReadPosition): Instruction {
  const unary = unaryOps.find((op) => op === word) as UnaryOp | undefined;
  if (unary) {
    const value = line.id("v");
    return { kind: "unary", op: unary, result, value, at: position(line) };
  }
  const { op, width } = withWidth<BinaryOp>(line, word, binaryOps);
  const left = line.id("v");
  line.expect(",");
  const right = line.id("v");
  return { kind: "binary", op, width, result, left, right, at: position(line) };
}

function parseStore(line: LineScanner, position: ReadPosition): Instruction {
  const { size } = parseSize(line);
  const place = parsePlace(line);
  line.expect(",");
  const value = line.id("v");
  return { kind: "store", size, ...place, value, at: position(line) };
}

function parseAtomic(line: LineScanner, result: Value | undefined, position: ReadPosition): Instruction {
  const word = line.word();
  const op = atomicOps.find((one) => one === word) as AtomicOp | undefined;
  if (!op) throw line.error(`no atomic operation "${word}"`);
  const { size } = parseSize(line);
  if (size !== 4 && size !== 8) throw line.error("atomics are of 4 or 8 bytes");
  const place = parsePlace(line);
  line.expect(",");
  const value = line.id("v");
  let expected: Value | undefined;
  if (line.take(",")) {
    line.expect("expected");
    expected = line.id("v");
  }
  return {
    kind: "atomic",
    op,
    ...(result === undefined ? {} : { result }),
    size,
    ...place,
    value,
    ...(expected === undefined ? {} : { expected }),
    at: position(line),
  };
}

function parseCall(
  line: LineScanner,
  word: "helper" | "kfunc" | "call",
  result: Value,
  position: ReadPosition,
): Instruction {
  const callee = line.next();
  line.expect("(");
  const args = line.list(")", () => line.id("v"));
  const at = position(line);
  if (word === "kfunc") return { kind: "callKfunc", result, name: callee, args, at };
  if (word === "call") return { kind: "callFunction", result, callee, args, at };
  const helper = /^\d+$/.test(callee) ? Number(callee) : helpers[callee as HelperName]?.id;
  if (helper === undefined) throw line.error(`no helper "${callee}"`);
  return { kind: "callHelper", result, helper, args, at };
}

export const terminatorWords: ReadonlySet<string> = new Set(["jump", "branch", "maygoto", "return"]);

export function parseTerminator(line: LineScanner, position: ReadPosition): Terminator {
  switch (line.word()) {
    case "jump": {
      const to = parseEdge(line);
      return { kind: "jump", to, at: position(line) };
    }
    case "branch":
      return parseBranch(line, position);
    case "maygoto": {
      const [then, otherwise] = parseEdges(line);
      return { kind: "mayGoto", then, otherwise, at: position(line) };
    }
    default: {
      const value = line.id("v");
      return { kind: "return", value, at: position(line) };
    }
  }
}

function parseBranch(line: LineScanner, position: ReadPosition): Terminator {
  const { op, width } = withWidth<CompareOp>(line, line.word(), compareOps);
  const left = line.id("v");
  line.expect(",");
  const right = line.id("v");
  line.expect("?");
  const [then, otherwise] = parseEdges(line);
  let likely: "then" | "otherwise" | undefined;
  if (line.take("likely")) {
    const side = line.word();
    if (side !== "then" && side !== "otherwise") throw line.error("then or otherwise expected");
    likely = side;
  }
  const at = position(line);
  return {
    kind: "branch",
    op,
    width,
    left,
    right,
    then,
    otherwise,
    ...(likely === undefined ? {} : { likely }),
    at,
  };
}

function parseEdges(line: LineScanner): [Edge, Edge] {
  const then = parseEdge(line);
  line.expect(":");
  return [then, parseEdge(line)];
}

function parseEdge(line: LineScanner): Edge {
  const block = line.id("b");
  return { block, args: line.take("(") ? line.list(")", () => line.id("v")) : [] };
}

function parseSize(line: LineScanner): { size: Size; signed: boolean } {
  const word = line.word();
  const match = /^([us])(8|16|32|64)$/.exec(word);
  if (!match) throw line.error(`no size "${word}"`);
  return { size: (Number(match[2]) / 8) as Size, signed: match[1] === "s" };
}

function parsePlace(line: LineScanner): { base: Value; offset: number; region: MemoryRegion } {
  line.expect("[");
  const base = line.id("v");
  const sign = line.next();
  if (sign !== "+" && sign !== "-") throw line.error("+ or - expected in the address");
  const distance = line.small();
  line.expect("]");
  const word = line.word();
  const region = memoryRegions.find((one) => one === word) as MemoryRegion | undefined;
  if (!region) throw line.error(`no memory region "${word}"`);
  return { base, offset: sign === "-" ? -distance : distance, region };
}

function withWidth<T extends string>(line: LineScanner, word: string, ops: readonly T[]): { op: T; width: Width } {
  const width = word.endsWith("64") ? 64 : 32;
  const op = ops.find((one) => `${one}${width}` === word);
  if (!op) throw line.error(`no operation "${word}"`);
  return { op, width };
}
