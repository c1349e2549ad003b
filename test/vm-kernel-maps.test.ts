import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../src/bytecode/assemble.ts";
import * as build from "../src/bytecode/build.ts";
import { helperId } from "../src/bytecode/helper-names.ts";
import type { Instruction } from "../src/bytecode/instruction.ts";
import { ElementCalls } from "../src/kernel/maps/elements.ts";
import { KernelMap, type MapSpec } from "../src/kernel/maps.ts";
import { KernelProgram } from "../src/kernel/programs.ts";
import { skipWithoutBpf } from "../src/kernel/testing.ts";
import type { Code } from "../src/vm/code.ts";
import { link } from "../src/vm/link.ts";
import { createMap } from "../src/vm/maps/create.ts";
import type { VmMap } from "../src/vm/maps/map.ts";
import { runSkb } from "../src/vm/run.ts";

/** Where a request lies in the packet, and on the program's stack. */
const KEY = 16;
const VALUE = 32;
const FLAGS = 48;
const SIZE = 56;
const STACK = -64;
const ENOENT = -2;

/**
 * A program that makes one call of a map helper with key, value and flags from the packet, and gives its result; a
 * value that was found or taken goes back into the packet.
 */
function programFor(helper: string, shape: MapSpec): { instructions: Instruction[]; index: number } {
  const returnsPointer = helper === "map_lookup_elem";
  const usesKey = shape.keySize > 0;
  const at = (register: number, offset: number) => [
    build.movReg(register, 10),
    build.alu64("add", register, STACK + offset),
  ];
  const before = [
    build.movReg(6, 1),
    build.movImm(2, 0),
    ...at(3, 0),
    build.movImm(4, SIZE),
    build.callHelper(helperId("skb_load_bytes")!),
  ];
  const call = [
    ...at(2, usesKey ? KEY : VALUE),
    ...(usesKey ? at(3, VALUE) : [build.load(8, 3, 10, STACK + FLAGS)]),
    build.load(8, 4, 10, STACK + FLAGS),
    build.callHelper(helperId(helper)!),
  ];
  const copyFound = [
    build.jump("ne", 0, 0, 2),
    build.movImm(0, 1),
    build.exit(),
    build.load(4, 7, 0, 0),
    build.store(4, 10, STACK + VALUE, 7),
    build.movImm(0, 0),
  ];
  const writeBack = [
    build.movReg(7, 0),
    build.movReg(1, 6),
    build.movImm(2, VALUE),
    ...at(3, VALUE),
    build.movImm(4, 4),
    build.movImm(5, 0),
    build.callHelper(helperId("skb_store_bytes")!),
    build.movReg(0, 7),
    build.exit(),
  ];
  const start = [...before, build.loadMapFd(1, 0)];
  return {
    instructions: [...start, ...call, ...(returnsPointer ? copyFound : []), ...writeBack],
    index: start.length - 1,
  };
}

class Pair implements Disposable {
  readonly shape: MapSpec;
  readonly kernel: KernelMap;
  readonly machine: VmMap;
  readonly #calls: ElementCalls;
  readonly #programs = new Map<string, { readonly kernel: KernelProgram; readonly machine: Code }>();

  constructor(shape: MapSpec) {
    this.shape = shape;
    this.kernel = KernelMap.create(shape);
    this.machine = createMap(shape as MapSpec & { type: "hash" });
    this.#calls = new ElementCalls(this.kernel.fd, shape.keySize, shape.valueSize);
  }

  /** The host's view: results of both, as text. */
  host(operation: "lookup" | "update" | "delete", key: Uint8Array, value: Uint8Array, flags: number): string[] {
    this.#calls.key.set(key);
    this.#calls.value.set(value);
    const kernel = operation === "delete" ? this.#calls.delete() : this.#calls[operation](flags);
    if (operation === "lookup") {
      const found = this.machine.lookup(key);
      const text = (bytes: Uint8Array | undefined) =>
        bytes === undefined ? `${ENOENT}` : Buffer.from(bytes).toString("hex");
      return [kernel === 0 ? text(this.#calls.value) : `${kernel}`, text(found)];
    }
    const machine = operation === "update" ? this.machine.update(key, value, flags) : this.machine.delete(key);
    return [`${kernel}`, `${machine}`];
  }

  /** The program's view: verdict and packet of both, as text. */
  program(helper: string, key: Uint8Array, value: Uint8Array, flags: number): string[] {
    const packet = new Uint8Array(64);
    packet.set(key, KEY);
    packet.set(value, VALUE);
    packet[FLAGS] = flags;
    const { kernel, machine } = this.#programFor(helper);
    const fromKernel = kernel.testRun({ packet });
    const fromMachine = runSkb(machine, packet);
    const text = (verdict: number, data: Uint8Array) => `${verdict | 0} ${Buffer.from(data).toString("hex")}`;
    return [text(fromKernel.returnValue, fromKernel.packet), text(fromMachine.verdict, fromMachine.packet)];
  }

  #programFor(helper: string): { readonly kernel: KernelProgram; readonly machine: Code } {
    let programs = this.#programs.get(helper);
    if (programs === undefined) {
      const { instructions, index } = programFor(helper, this.shape);
      const spec = { name: "maps", instructions, mapReferences: [{ index, map: "m" }] };
      const kernel = KernelProgram.load({ ...spec, type: "sched_cls", license: "GPL" }, { maps: { m: this.kernel } });
      programs = { kernel, machine: link(spec, { m: this.machine }) };
      this.#programs.set(helper, programs);
    }
    return programs;
  }

  [Symbol.dispose](): void {
    for (const { kernel } of this.#programs.values()) {
      kernel[Symbol.dispose]();
    }
    this.kernel[Symbol.dispose]();
  }
}

/** Marsaglia's xorshift32: numbers 0..limit-1. */
function numbers(seed: number): (limit: number) => number {
  let state = seed | 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

function u32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}

/** Prefixes of 10.0.0.0/8 and thereabouts: length, then four bytes; sometimes longer than a key can be. */
function prefix(next: (limit: number) => number): Uint8Array {
  const length = [0, 1, 7, 8, 9, 16, 24, 25, 31, 32, 33][next(11)]!;
  return Uint8Array.from([length, 0, 0, 0, 10 + next(2), next(2), next(2), [0, 1, 127, 128, 255][next(5)]!]);
}

const few = (next: (limit: number) => number) => u32(next(6));
const none = () => new Uint8Array(0);

interface Row {
  readonly shape: MapSpec;
  readonly keys: (next: (limit: number) => number) => Uint8Array;
  readonly helpers: readonly string[];
  readonly host: boolean;
}

const elements = ["map_lookup_elem", "map_update_elem", "map_delete_elem"];
const stacks = ["map_push_elem", "map_pop_elem", "map_peek_elem"];
const rows: readonly Row[] = [
  {
    shape: { name: "array", type: "array", keySize: 4, valueSize: 4, maxEntries: 4 },
    keys: few,
    helpers: elements,
    host: true,
  },
  {
    shape: { name: "hash", type: "hash", keySize: 4, valueSize: 4, maxEntries: 4 },
    keys: few,
    helpers: elements,
    host: true,
  },
  {
    shape: { name: "hash_lazy", type: "hash", keySize: 4, valueSize: 4, maxEntries: 4, flags: 1 },
    keys: few,
    helpers: elements,
    host: true,
  },
  {
    // Larger than the keys that are used: which element the kernel evicts is not exact.
    shape: { name: "lru_hash", type: "lru_hash", keySize: 4, valueSize: 4, maxEntries: 4096 },
    keys: few,
    helpers: elements,
    host: true,
  },
  {
    shape: { name: "lpm", type: "lpm_trie", keySize: 8, valueSize: 4, maxEntries: 12, flags: 1 },
    keys: prefix,
    helpers: elements,
    host: true,
  },
  {
    shape: { name: "queue", type: "queue", keySize: 0, valueSize: 4, maxEntries: 3 },
    keys: none,
    helpers: stacks,
    host: false,
  },
  {
    shape: { name: "stack", type: "stack", keySize: 0, valueSize: 4, maxEntries: 3 },
    keys: none,
    helpers: stacks,
    host: false,
  },
];

for (const { shape, keys, helpers, host } of rows) {
  test(`map ${shape.name}: the machine agrees with the kernel`, { skip: skipWithoutBpf }, (t) => {
    const seed = Number(process.env["SEED"] ?? Date.now() % 0x7fff_ffff);
    t.diagnostic(`SEED=${seed}`);
    const next = numbers(seed);
    using pair = new Pair(shape);
    for (let step = 0; step < 600; step++) {
      const [key, value] = [keys(next), u32(next(0xffff))];
      // Now and then a flag that does not exist.
      const flags = [0, 0, 0, 1, 2, 3, 8][next(7)]!;
      const operation = (["lookup", "update", "delete"] as const)[next(3)]!;
      const helper = helpers[next(helpers.length)]!;
      const byHost = host && next(2) === 0;
      // A look-up through bpf(2) knows only BPF_F_LOCK.
      const hostFlags = operation === "lookup" ? 0 : flags;
      const [kernel, machine] = byHost
        ? pair.host(operation, key, value, hostFlags)
        : pair.program(helper, key, value, flags);
      const what = byHost ? `host ${operation}` : helper;
      assert.equal(machine, kernel, `step ${step}: ${what} ${Buffer.from(key).toString("hex")} flags ${flags}`);
    }
  });
}

test("a ring buffer fills up as the kernel's does", { skip: skipWithoutBpf }, () => {
  const shape = { name: "ring", type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 } as const;
  using kernelMap = KernelMap.create(shape);
  const map = createMap(shape);
  const program = (size: number, query: number) => ({
    name: "ring",
    instructions: [
      ...Array.from({ length: 32 }, (_, index) => build.storeImm(8, 10, -256 + 8 * index, index)),
      build.loadMapFd(1, 0),
      ...assemble(
        `mov %r2, %r10\nadd %r2, -256\nmov %r3, ${size}\nmov %r4, 0\ncall helper ringbuf_output\nmov %r6, %r0`,
      ),
      build.loadMapFd(1, 0),
      ...assemble(`mov %r2, ${query}\ncall helper ringbuf_query\nlsh %r0, 8\nadd %r0, %r6\nexit`),
    ],
    mapReferences: [32, 39].map((index) => ({ index, map: "ring" })),
  });
  const packet = new Uint8Array(14);
  for (let round = 0; round < 40; round++) {
    const spec = program([1, 8, 100, 256, 33][round % 5]!, round % 5);
    using loaded = KernelProgram.load({ ...spec, type: "sched_cls", license: "GPL" }, { maps: { ring: kernelMap } });
    const kernel = loaded.testRun({ packet }).returnValue;
    assert.equal(runSkb(link(spec, { ring: map }), packet).verdict, kernel | 0, `round ${round}`);
  }
});

test("a devmap takes and refuses what the kernel's does", { skip: skipWithoutBpf }, () => {
  for (const type of ["devmap", "devmap_hash"] as const) {
    using pair = new Pair({ name: "devices", type, keySize: 4, valueSize: 4, maxEntries: 2 });
    // Interface 1 is the loopback device, which every namespace has.
    for (const ifindex of [1, 0]) {
      for (const key of [0, 1, 2, 2]) {
        for (const flags of [0, 1, 2, 3]) {
          for (const operation of ["update", "lookup", "delete", "delete"] as const) {
            const [kernel, machine] = pair.host(operation, u32(key), u32(ifindex), operation === "update" ? flags : 0);
            assert.equal(machine, kernel, `${type} ${operation} ${key} -> ${ifindex} flags ${flags}`);
          }
        }
      }
    }
  }
});
