import { assemblyError, type Operands } from "./assemble-operands.ts";
import * as build from "./build.ts";
import { helperId } from "./helper-names.ts";
import type { Instruction } from "./instruction.ts";
import {
  type AccessSize,
  AluCode,
  type AluOperation,
  AtomicCode,
  type AtomicOperation,
  JumpCode,
  type JumpOperation,
  Opcode,
} from "./opcode.ts";

interface Mnemonic {
  /** How many operands it takes; undefined: it checks them itself. */
  readonly operands: number | undefined;
  readonly make: (operands: Operands) => Instruction;
}

/** Every mnemonic of the assembler. */
export const mnemonics: ReadonlyMap<string, Mnemonic> = new Map<string, Mnemonic>([
  ...alu(),
  ...byteOrder(),
  ...moves(),
  ...jumps(),
  ...memory(),
  ["lddw", { operands: 2, make: (o) => build.loadWide(o.register(0), o.imm64(1)) }],
  ["ja", { operands: 1, make: (o) => build.ja(o.target(0)) }],
  ["ja32", { operands: 1, make: (o) => build.gotol(o.target(0, 32)) }],
  ["may_goto", { operands: 1, make: (o) => build.mayGoto(o.target(0)) }],
  ["exit", { operands: 0, make: () => build.exit() }],
  ["call", { operands: undefined, make: call }],
  ["lock", { operands: undefined, make: lock }],
]);

function* alu(): Generator<[string, Mnemonic]> {
  const plain = Object.keys(AluCode).filter((name) => name !== "neg" && name !== "end");
  for (const name of [...plain, "sdiv", "smod"] as AluOperation[]) {
    const wide: Mnemonic = { operands: 2, make: (o) => build.alu64(name, o.register(0), second(o)) };
    yield [name, wide];
    yield [`${name}64`, wide];
    yield [`${name}32`, { operands: 2, make: (o) => build.alu32(name, o.register(0), second(o)) }];
  }
  for (const name of ["neg", "neg64"]) {
    yield [name, { operands: 1, make: (o) => build.neg64(o.register(0)) }];
  }
  yield ["neg32", { operands: 1, make: (o) => build.neg32(o.register(0)) }];
}

function* byteOrder(): Generator<[string, Mnemonic]> {
  for (const bits of [16, 32, 64] as const) {
    yield [`be${bits}`, { operands: 1, make: (o) => build.endian("be", bits, o.register(0)) }];
    yield [`le${bits}`, { operands: 1, make: (o) => build.endian("le", bits, o.register(0)) }];
    const swap: Mnemonic = { operands: 1, make: (o) => build.bswap(bits, o.register(0)) };
    yield [`swap${bits}`, swap];
    yield [`bswap${bits}`, swap];
  }
}

function* moves(): Generator<[string, Mnemonic]> {
  for (const bits of [8, 16, 32] as const) {
    yield [`movsx${bits}64`, { operands: 2, make: (o) => build.movsx(bits, o.register(0), o.register(1)) }];
  }
  for (const bits of [8, 16] as const) {
    yield [`movsx${bits}32`, { operands: 2, make: (o) => build.movsx32(bits, o.register(0), o.register(1)) }];
  }
}

function* jumps(): Generator<[string, Mnemonic]> {
  const conditional = Object.keys(JumpCode).filter((name) => !["ja", "call", "exit", "cond"].includes(name));
  for (const name of conditional as JumpOperation[]) {
    yield [`j${name}`, { operands: 3, make: (o) => build.jump(name, o.register(0), second(o), o.target(2)) }];
    yield [`j${name}32`, { operands: 3, make: (o) => build.jump32(name, o.register(0), second(o), o.target(2)) }];
  }
}

function* memory(): Generator<[string, Mnemonic]> {
  const suffixes: readonly (readonly [string, AccessSize])[] = [
    ["b", 1],
    ["h", 2],
    ["w", 4],
    ["dw", 8],
  ];
  for (const [suffix, size] of suffixes) {
    yield [`ldx${suffix}`, { operands: 2, make: (o) => load(o, (dst, m) => build.load(size, dst, m.base, m.offset)) }];
    yield [
      `st${suffix}`,
      { operands: 2, make: (o) => store(o, (m) => build.storeImm(size, m.base, m.offset, o.imm32(1))) },
    ];
    yield [
      `stx${suffix}`,
      { operands: 2, make: (o) => store(o, (m) => build.store(size, m.base, m.offset, o.register(1))) },
    ];
    if (size !== 8) {
      yield [
        `ldxs${suffix}`,
        { operands: 2, make: (o) => load(o, (dst, m) => build.loadSigned(size, dst, m.base, m.offset)) },
      ];
    }
  }
}

type Place = ReturnType<Operands["memory"]>;

function load(operands: Operands, make: (dst: number, place: Place) => Instruction): Instruction {
  return make(operands.register(0), operands.memory(1));
}

function store(operands: Operands, make: (place: Place) => Instruction): Instruction {
  return make(operands.memory(0));
}

function second(operands: Operands): build.Operand {
  return operands.isRegister(1) ? build.reg(operands.register(1)) : operands.imm32(1);
}

/** `call 5`, `call helper NAME|ID`, `call %r2`, `call local LABEL`, `call runtime BTF_ID`. */
function call(operands: Operands): Instruction {
  const mode = operands.length === 1 ? "helper" : operands.text(0);
  const target = operands.length - 1;
  if (operands.length < 1 || operands.length > 2) {
    throw assemblyError(operands.line, "call takes a target, optionally after helper, local or runtime");
  }
  switch (mode) {
    case "helper":
      if (operands.isRegister(target)) {
        return Object.freeze({ opcode: Opcode.callx, dst: operands.register(target), src: 0, offset: 0, imm: 0 });
      }
      return build.callHelper(helperId(operands.text(target).replace(/^bpf_/, "")) ?? operands.imm32(target));
    case "local":
      return build.callLocal(operands.target(target, 32));
    case "runtime":
      return build.callKfunc(operands.imm32(target));
    default:
      throw assemblyError(operands.line, `"${mode}" is no kind of call; there are helper, local and runtime`);
  }
}

/** `lock [fetch] OP [%rX+N], %rY` with an optional 32 behind OP. */
function lock(operands: Operands): Instruction {
  const fetch = operands.text(0) === "fetch";
  const rest = operands.skip(fetch ? 1 : 0);
  const [, name, narrow] = /^([a-z]+?)(32|64)?$/.exec(rest.text(0)) ?? [];
  const alwaysFetches = name === "xchg" || name === "cmpxchg";
  const operation = fetch && !alwaysFetches ? `fetch_${name}` : `${name}`;
  if (!(operation in AtomicCode)) {
    throw assemblyError(operands.line, `"${rest.text(0)}" is no atomic operation`);
  }
  if (rest.length !== 3) {
    throw assemblyError(operands.line, "lock takes an operation, a memory operand and a register");
  }
  const { base, offset } = rest.memory(1);
  return build.atomic(operation as AtomicOperation, narrow === "32" ? 4 : 8, base, offset, rest.register(2));
}
