/** Features of the instruction set and of the verifier: found by loading a program that uses them. */
import { BtfBuilder } from "../../bytecode/btf-builder.ts";
import { encodeFunctionInfo } from "../../bytecode/btf-ext.ts";
import * as build from "../../bytecode/build.ts";
import { helperId } from "../../bytecode/helper-names.ts";
import { type Instruction, slotCount } from "../../bytecode/instruction.ts";
import { NotSupported } from "../../errors.ts";
import { BtfObject, kernelTypes } from "../btf.ts";
import { KernelMap, type MapSpec } from "../maps.ts";
import { KernelProgram, type ProgramBtf, type ProgramSpec } from "../programs.ts";
import { programFlags } from "../sys/constants.ts";
import type { Feature } from "./feature.ts";

/** The number of a helper in bytecode's table. */
function helper(name: string): Instruction {
  return build.callHelper(helperId(name)!);
}

/** Loads a program of the most permissive packet type, and unloads it. */
export function tryInstructions(instructions: readonly Instruction[], extra: Partial<ProgramSpec> = {}): void {
  KernelProgram.load({ name: "probe", type: "sched_cls", license: "GPL", instructions, ...extra }).close();
}

/** Function types `int f(...)` for an entry function and one subprogram at `slot`. */
function twoFunctions(slot: number, linkage: "static" | "global", parameters: number): ProgramBtf {
  const btf = new BtfBuilder();
  const int = btf.int("int", 4, { signed: true });
  const context = btf.pointer(btf.struct("__sk_buff", 4, [{ name: "len", type: int, bitOffset: 0 }]));
  const entry = btf.prototype(int, [{ name: "ctx", type: context }]);
  const names = ["a", "b"].slice(0, parameters);
  const sub = btf.prototype(
    int,
    names.map((name) => ({ name, type: int })),
  );
  const records = [
    { slot: 0, type: btf.func("entry", entry, "global") },
    { slot, type: btf.func("subprogram", sub, linkage) },
  ];
  return { data: btf.toBytes(), functionInfo: encodeFunctionInfo(records) };
}

function withMaps(specs: readonly MapSpec[], body: (maps: Record<string, KernelMap>) => void): void {
  using stack = new DisposableStack();
  body(Object.fromEntries(specs.map((spec) => [spec.name, stack.use(KernelMap.create(spec))])));
}

function kfunc(name: string): number {
  const id = kernelTypes().findFunc(name);
  if (id === undefined) throw new NotSupported(name, `this kernel has no kernel function ${name}`);
  return id;
}

const zero = [build.movImm(0, 0), build.exit()];

function tryLoop(): void {
  const instructions = [
    build.movImm(1, 4),
    build.loadFunction(2, 6),
    build.movImm(3, 0),
    build.movImm(4, 0),
    helper("loop"),
    ...zero,
    ...zero,
  ];
  tryInstructions(instructions, { btf: twoFunctions(8, "static", 2) });
}

function tryIterators(): void {
  const steps = [
    build.movReg(1, 10),
    build.alu64("add", 1, -8),
    build.movImm(2, 0),
    build.movImm(3, 1),
    build.callKfunc(kfunc("bpf_iter_num_new")),
    build.movReg(1, 10),
    build.alu64("add", 1, -8),
    build.callKfunc(kfunc("bpf_iter_num_destroy")),
  ];
  tryInstructions([...steps, ...zero]);
}

/** Looks key 0 up in `map`; the value (maybe null) is in r0. */
function lookupZero(map: KernelMap): Instruction[] {
  return [
    build.storeImm(4, 10, -4, 0),
    build.loadMapFd(1, map.fd),
    build.movReg(2, 10),
    build.alu64("add", 2, -4),
    helper("map_lookup_elem"),
  ];
}

const smallArray: MapSpec = { name: "array", type: "array", keySize: 4, valueSize: 8, maxEntries: 1 };

function tryNullElision(): void {
  withMaps([smallArray], ({ array }) => tryInstructions([...lookupZero(array!), build.load(8, 0, 0, 0), ...zero]));
}

/** A program that hands a special field (lock, timer) at the front of a map's value to a helper. */
function trySpecialField(field: "bpf_spin_lock" | "bpf_timer", use: (map: KernelMap) => Instruction[]): void {
  const size = field === "bpf_timer" ? 16 : 4;
  const types = new BtfBuilder();
  const u32 = types.int("unsigned int", 4);
  const members = Array.from({ length: size / 4 }, (_, index) => ({
    name: `w${index}`,
    type: u32,
    bitOffset: 32 * index,
  }));
  const special = types.struct(field, size, members);
  const value = types.struct("value", size, [{ name: "field", type: special, bitOffset: 0 }]);
  using object = BtfObject.load(types.toBytes());
  const spec: MapSpec = { ...smallArray, valueSize: size, btf: { key: u32, value } };
  using map = KernelMap.create(spec, { btf: object });
  const body = use(map);
  tryInstructions([...lookupZero(map), build.jump("eq", 0, 0, slots(body)), ...body, ...zero]);
}

function slots(instructions: readonly Instruction[]): number {
  return instructions.reduce((sum, each) => sum + slotCount(each), 0);
}

function trySpinLock(): void {
  trySpecialField("bpf_spin_lock", () => [
    build.movReg(6, 0),
    build.movReg(1, 6),
    helper("spin_lock"),
    build.movReg(1, 6),
    helper("spin_unlock"),
  ]);
}

function tryTimer(): void {
  trySpecialField("bpf_timer", (map) => [
    build.movReg(1, 0),
    build.loadMapFd(2, map.fd),
    build.movImm(3, 1),
    helper("timer_init"),
  ]);
}

/** Goes over an array with a callback that stops at once. */
function tryForEach(): void {
  withMaps([smallArray], ({ array }) => {
    const body = [
      build.loadMapFd(1, array!.fd),
      build.loadFunction(2, 6),
      build.movImm(3, 0),
      build.movImm(4, 0),
      helper("for_each_map_elem"),
      ...zero,
    ];
    tryInstructions([...body, ...zero], { btf: twoFunctions(slots(body), "static", 2) });
  });
}

function tryDynptr(): void {
  withMaps([{ name: "ring", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 65536 }], ({ ring }) =>
    tryInstructions([
      build.loadMapFd(1, ring!.fd),
      build.movImm(2, 8),
      build.movImm(3, 0),
      build.movReg(4, 10),
      build.alu64("add", 4, -16),
      helper("ringbuf_reserve_dynptr"),
      build.movReg(1, 10),
      build.alu64("add", 1, -16),
      build.movImm(2, 0),
      helper("ringbuf_discard_dynptr"),
      ...zero,
    ]),
  );
}

function tryPacketDynptr(): void {
  tryInstructions([
    build.movImm(2, 0),
    build.movReg(3, 10),
    build.alu64("add", 3, -16),
    build.callKfunc(kfunc("bpf_dynptr_from_skb")),
    ...zero,
  ]);
}

/** A known value at the front of a word, a write somewhere behind it in the word, and the value again. */
function tryMixedStackWrites(): void {
  tryInstructions([
    build.storeImm(8, 10, -8, 0),
    build.movImm(1, 1),
    build.store(2, 10, -8, 1),
    helper("get_prandom_u32"),
    build.alu64("and", 0, 3),
    build.movReg(2, 10),
    build.alu64("add", 2, build.reg(0)),
    build.storeImm(1, 2, -6, 1),
    build.load(2, 0, 10, -8),
    build.exit(),
  ]);
}

function tryGlobalFunction(): void {
  const instructions = [build.movImm(1, 1), build.callLocal(1), build.exit(), ...zero];
  tryInstructions(instructions, { btf: twoFunctions(3, "global", 1) });
}

function tryLiveFrames(): void {
  const XDP_DROP = 1;
  const instructions = [build.movImm(0, XDP_DROP), build.exit()];
  using program = KernelProgram.load({ name: "probe", type: "xdp", license: "GPL", instructions });
  program.testRun({ packet: new Uint8Array(64), repeat: 1, live: true });
}

function tryJit(): void {
  using program = KernelProgram.load({ name: "probe", type: "sched_cls", license: "GPL", instructions: zero });
  if (program.info().jitedSize > 0) return;
  throw new NotSupported("JIT", "programs are interpreted: the JIT compiler is off", {
    remedy: "turn it on: sysctl net.core.bpf_jit_enable=1",
  });
}

const v4 = [
  build.movImm(0, 100),
  build.movsx(8, 0, 0),
  build.alu64("sdiv", 0, -3),
  build.bswap(16, 0),
  build.storeImm(4, 10, -4, -1),
  build.loadSigned(4, 0, 10, -4),
  build.gotol(0),
  build.exit(),
];

/** In the order in which the kernel got them. */
export const instructionFeatures: readonly Feature[] = [
  {
    name: "isa-v3",
    what: "32-bit jumps (instruction set v3)",
    minimumKernel: "5.1",
    attempt: () => tryInstructions([build.movImm(0, 1), build.jump32("lt", 0, 5, 0), build.exit()]),
  },
  { name: "spin-lock", what: "spin locks in map values", minimumKernel: "5.1", attempt: trySpinLock },
  {
    name: "bounded-loops",
    what: "loops whose end the verifier finds",
    minimumKernel: "5.3",
    attempt: () =>
      tryInstructions([build.movImm(0, 0), build.alu64("add", 0, 1), build.jump("lt", 0, 9, -2), build.exit()]),
  },
  {
    name: "global-functions",
    what: "functions that are verified once",
    minimumKernel: "5.6",
    attempt: tryGlobalFunction,
  },
  {
    name: "atomics",
    what: "atomic operations that return the old value",
    minimumKernel: "5.12",
    attempt: () =>
      tryInstructions([
        build.movImm(0, 1),
        build.storeImm(8, 10, -8, 0),
        build.atomic("fetch_add", 8, 10, -8, 0),
        build.exit(),
      ]),
  },
  {
    name: "for-each",
    what: "going over a map by callback (bpf_for_each_map_elem)",
    minimumKernel: "5.13",
    attempt: tryForEach,
  },
  { name: "timers", what: "timers in map values", minimumKernel: "5.15", attempt: tryTimer },
  { name: "bpf-loop", what: "loops by callback (bpf_loop)", minimumKernel: "5.17", attempt: tryLoop },
  {
    name: "xdp-fragments",
    what: "XDP programs for frames of several buffers",
    minimumKernel: "5.18",
    attempt: () => tryInstructions(zero, { type: "xdp", flags: programFlags.xdpFragments }),
  },
  { name: "xdp-live-frames", what: "test runs that really send", minimumKernel: "5.18", attempt: tryLiveFrames },
  { name: "dynptr", what: "dynamic pointers", minimumKernel: "5.19", attempt: tryDynptr },
  { name: "packet-dynptr", what: "dynamic pointers to packets", minimumKernel: "6.4", attempt: tryPacketDynptr },
  {
    name: "open-coded-iterators",
    what: "loops by iterator (bpf_iter_num)",
    minimumKernel: "6.4",
    attempt: tryIterators,
  },
  {
    name: "isa-v4",
    what: "signed division and loads, byte swaps, long jumps (instruction set v4)",
    minimumKernel: "6.6",
    attempt: () => tryInstructions(v4),
  },
  {
    name: "may-goto",
    what: "loops by a run-time budget (may_goto)",
    minimumKernel: "6.9",
    attempt: () => tryInstructions([build.movImm(0, 0), build.mayGoto(1), build.ja(-2), build.exit()]),
  },
  {
    name: "null-elision",
    what: "array lookups with a constant key need no null check",
    minimumKernel: "6.14",
    attempt: tryNullElision,
  },
  {
    name: "load-acquire",
    what: "load-acquire and store-release",
    minimumKernel: "6.15",
    attempt: () =>
      tryInstructions([
        build.storeImm(8, 10, -8, 0),
        build.loadAcquire(8, 0, 10, -8),
        build.movImm(0, 0),
        build.exit(),
      ]),
  },
  {
    name: "mixed-stack-writes",
    what: "writes at variable places of the stack beside known values",
    minimumKernel: "7.1",
    attempt: tryMixedStackWrites,
  },
  { name: "jit", what: "programs run as machine code", minimumKernel: "3.18", attempt: tryJit },
];
