import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { IovisorError } from "../errors.ts";
import { indexRecords, splitBlob } from "./btf-blob.ts";
import { BtfBuilder } from "./btf-builder.ts";
import { member } from "./btf-members.ts";
import { BtfReader } from "./btf-reader.ts";
import {
  alu64,
  callHelper,
  callKfunc,
  callLocal,
  exit,
  jump,
  load,
  loadFunction,
  loadMapFd,
  loadWide,
  movImm,
  movReg,
  reg,
  storeImm,
} from "./build.ts";
import { writeObject } from "./elf-object.ts";
import { readObject } from "./elf-read-object.ts";
import { readElf } from "./elf-reader.ts";
import { encode } from "./encode.ts";
import type { Instruction } from "./instruction.ts";
import type { ObjectSpec, ProgramSpec } from "./object-spec.ts";

const XDP_PASS = 2;
const helpers = { mapLookup: 1, loop: 181 };

/** Two XDP programs in one section that share nothing, each with subprograms; a map with types; a tracepoint. */
function fullObject(): ObjectSpec {
  const btf = new BtfBuilder();
  const int = btf.int("int", 4, { signed: true });
  const u64 = btf.int("u64", 8);
  const context = btf.pointer(btf.forward("xdp_md"));
  const entry = btf.prototype(int, [{ name: "ctx", type: context }]);
  const step = btf.prototype(int, [{ name: "value", type: u64 }]);
  const callback = btf.prototype(u64, [
    { name: "index", type: btf.int("u32", 4) },
    { name: "ctx", type: btf.pointer(0) },
  ]);
  const line = (slot: number, text: string, number: number) => ({
    slot,
    file: "/src/count.ts",
    text,
    line: number,
    column: 3,
  });
  const programs: ProgramSpec[] = [
    {
      name: "count",
      section: "xdp",
      instructions: countProgram,
      mapReferences: [{ slot: 3, map: "counters" }],
      functions: [
        { slot: 0, type: btf.func("count", entry, "global") },
        { slot: 13, type: btf.func("step", step) },
        { slot: 15, type: btf.func("twice", step) },
      ],
      lines: [
        line(0, "const key = 7;", 4),
        line(8, "if (found) step(found);", 5),
        line(13, "function step", 9),
        line(15, "function twice", 12),
      ],
    },
    {
      name: "looper",
      section: "xdp",
      instructions: loopProgram,
      mapReferences: [],
      functions: [
        { slot: 0, type: btf.func("looper", entry, "global") },
        { slot: 8, type: btf.func("step", callback) },
      ],
      lines: [line(0, "for (const i of range(4))", 20), line(8, "i => 0", 21)],
    },
    {
      name: "on_switch",
      section: "tp/sched/sched_switch",
      instructions: [movImm(0, 0), exit()],
      mapReferences: [],
      functions: [{ slot: 0, type: btf.func("on_switch", entry, "global") }],
      lines: [],
    },
  ];
  const counters = { name: "counters", type: 1, keySize: 4, valueSize: 8, maxEntries: 16, flags: 0 };
  return {
    license: "GPL",
    programs,
    maps: [
      { name: "events", type: 27, keySize: 0, valueSize: 0, maxEntries: 4096, flags: 0 },
      { ...counters, keyType: btf.int("u32", 4), valueType: u64 },
      { name: "tables", type: 12, keySize: 4, valueSize: 4, maxEntries: 2, flags: 0, inner: counters },
    ],
    btf,
  };
}

/** Looks a key up; if found, calls `step`, which lies at slot 13 and calls `twice` at slot 15. */
const countProgram: Instruction[] = [
  storeImm(4, 10, -4, 7), // 0
  movReg(2, 10), // 1
  alu64("add", 2, -4), // 2
  loadMapFd(1, 1234), // 3, 4
  callHelper(helpers.mapLookup), // 5
  jump("eq", 0, 0, 4), // 6, to 11
  load(8, 1, 0, 0), // 7
  callLocal(4), // 8, to 13
  alu64("and", 0, 0), // 9
  alu64("add", 0, 0), // 10
  movImm(0, XDP_PASS), // 11
  exit(), // 12
  callLocal(1), // 13, to 15
  exit(), // 14
  movReg(0, 1), // 15
  alu64("add", 0, reg(1)), // 16
  exit(), // 17
];

/** Calls bpf_loop with the callback at slot 8. */
const loopProgram: Instruction[] = [
  movImm(1, 4), // 0
  loadFunction(2, 6), // 1, 2, to 8
  movImm(3, 0), // 3
  movImm(4, 0), // 4
  callHelper(helpers.loop), // 5
  movImm(0, XDP_PASS), // 6
  exit(), // 7
  movImm(0, 0), // 8
  exit(), // 9
];

describe("ELF object", () => {
  test("an object reads back: programs linked, maps, license, lines", () => {
    const spec = fullObject();
    const read = readObject(writeObject(spec));
    assert.equal(read.license, "GPL");
    assert.deepEqual(
      read.programs.map(({ name, section }) => ({ name, section })),
      spec.programs.map(({ name, section }) => ({ name, section })),
    );
    for (const [index, program] of read.programs.entries()) {
      const source = spec.programs[index]!;
      const expected = encode(source.instructions);
      for (const { slot } of source.mapReferences) expected.fill(0, slot * 8 + 4, slot * 8 + 8)[slot * 8 + 1]! &= 0x0f;
      assert.deepEqual(program.code, expected);
      assert.deepEqual(program.mapReferences, source.mapReferences);
      assert.deepEqual(program.lines, source.lines);
      assert.deepEqual(
        program.functions.map(({ slot, type }) => ({ slot, type })),
        source.functions,
      );
    }
    const [events, counters, tables] = read.maps;
    assert.deepEqual(events, { ...spec.maps[0], offset: 0 });
    assert.deepEqual(counters, { ...spec.maps[1], offset: 16 });
    assert.equal(tables!.inner!.maxEntries, 16);
  });

  test("an object whose BTF has no sizes and offsets of sections, as clang leaves it, reads the same", () => {
    const whole = writeObject(fullObject());
    const bare = whole.slice();
    const blob = readElf(bare).section(".BTF")!.data;
    const btf = new BtfReader(blob);
    const view = new DataView(blob.buffer, blob.byteOffset);
    const records = indexRecords(splitBlob(blob).words);
    const id = btf.find(".maps", "datasec")!;
    const at = 24 + records[id]! * 4;
    view.setUint32(at + 8, 0, true);
    const [first, second, third] = [12, 24, 36].map((start) => blob.slice(at + start, at + start + 12));
    // The order of the source need not be that of the section, which is what the kernel wants.
    for (const [index, variable] of [second!, first!, third!].entries()) {
      blob.set(variable, at + 12 + index * 12);
      view.setUint32(at + 16 + index * 12, 0, true);
    }
    const [read, expected] = [readObject(bare), readObject(whole)];
    assert.deepEqual(read.maps, expected.maps);
    assert.deepEqual(read.programs, expected.programs);
    assert.deepEqual(new BtfReader(read.btf!).type(id), new BtfReader(expected.btf!).type(id));
    assert.equal(btf.sizeOf(id), 0, "the given bytes stay as they were");
  });

  test("a Node Buffer at any alignment reads like a plain array, and stays as it was", () => {
    const bytes = writeObject(fullObject());
    const buffer = Buffer.concat([Buffer.of(0), bytes]).subarray(1);
    assert.deepEqual(readObject(buffer).programs, readObject(bytes).programs);
    assert.deepEqual(Uint8Array.from(buffer), bytes);
  });

  test("writing leaves the caller's BTF alone and is deterministic", () => {
    const spec = fullObject();
    const types = spec.btf.count;
    assert.deepEqual(writeObject(spec), writeObject(spec));
    assert.equal(spec.btf.count, types);
  });

  test("references that do not fit are refused by name", () => {
    const spec = fullObject();
    const [count] = spec.programs;
    const refuses = (changes: Partial<ProgramSpec>, message: RegExp) =>
      assert.throws(() => writeObject({ ...spec, programs: [{ ...count!, ...changes }] }), {
        code: "E_FORMAT",
        message,
      });
    refuses({ mapReferences: [{ slot: 3, map: "nowhere" }] }, /section xdp refers to map nowhere/);
    refuses({ mapReferences: [{ slot: 5, map: "counters" }] }, /slot 5, where there is not an lddw/);
    refuses({ functions: count!.functions.slice(0, 2) }, /slot 13 refers to a subprogram at slot 15/);
    refuses({ section: ".text" }, /section name "\.text"/);
    refuses({ functions: [] }, /lists no function/);
    assert.throws(() => writeObject({ ...spec, programs: [count!, count!] }), {
      message: /two programs are named count/,
    });
  });

  test("a cut or flipped object is read or refused with E_FORMAT, never a crash", () => {
    const whole = writeObject(fullObject());
    for (let at = 0; at < whole.length; at += 3) {
      const flipped = whole.slice();
      flipped[at]! ^= 0xff;
      for (const bytes of [flipped, whole.subarray(0, at)]) {
        try {
          readObject(bytes);
        } catch (error) {
          assert.ok(error instanceof IovisorError && error.code === "E_FORMAT", `byte ${at}: ${error}`);
        }
      }
    }
  });
});

describe("ELF object and other tools", () => {
  test("readelf sees sections, symbols and relocations", { skip: missing("readelf") }, () => {
    const text = inspect(fullObject(), "readelf", ["-W", "-h", "-S", "-s", "-r"]);
    assert.match(text, /REL \(Relocatable file\)/);
    assert.match(text, /Linux BPF|0xf7/);
    assert.match(text, /FUNC +GLOBAL DEFAULT +\d+ count/);
    assert.match(text, /OBJECT +GLOBAL DEFAULT +\d+ counters/);
    assert.match(text, /\.BTF\.ext/);
    assert.doesNotMatch(text, /[Ww]arning|[Ee]rror/);
  });

  test("llvm-objdump disassembles it with its relocations", { skip: missing("llvm-objdump") }, () => {
    const text = inspect(fullObject(), "llvm-objdump", ["-d", "-r"]);
    assert.match(text, /<count>:/);
    assert.match(text, /R_BPF_64_64\s+counters/);
    assert.match(text, /R_BPF_64_32\s+\.text/);
  });

  test("bpftool loads its programs, with the source lines", { skip: loadProblem() }, () => {
    const dump = loadAll(
      fullObject(),
      "for p in count looper on_switch; do bpftool prog dump xlated pinned $D/$p; done",
    );
    assert.match(dump, /; const key = 7;/);
    assert.match(dump, /; function twice/);
    assert.match(dump, /; i => 0/);
    assert.match(dump, /int on_switch/);
  });

  test("bpftool makes the maps as described", { skip: loadProblem() }, () => {
    const shown = loadAll(
      fullObject(),
      "bpftool map show pinned $M/counters; bpftool map show pinned $M/tables; bpftool map show pinned $M/events",
    );
    assert.match(shown, /hash +name counters[\s\S]*key 4B +value 8B +max_entries 16[\s\S]*btf_id/);
    assert.match(shown, /array_of_maps +name tables/);
    assert.match(shown, /ringbuf +name events[\s\S]*max_entries 4096/);
  });

  test("bpftool loads cgroup, BTF tracepoint and tc sections, data, and calls of kernel functions", {
    skip: loadProblem(),
  }, () => {
    const dump = loadAll(
      kindsObject(),
      "bpftool prog show pinned $D/classify; bpftool map dump name kinds.rodata; bpftool prog dump xlated pinned $D/classify",
    );
    assert.match(dump, /sched_cls +name classify/);
    assert.match(dump, /limit[\s\S]*99/);
    assert.match(dump, /bpf_iter_num_new/);
  });

  test("libbpf patches a field's offset from the running kernel's BTF", { skip: loadProblem() }, () => {
    const kernel = new BtfReader(readFileSync("/sys/kernel/btf/vmlinux"));
    const offset = member(kernel, kernel.findStruct("task_struct")!, "pid")!.bitOffset / 8;
    const dump = loadAll(kindsObject(), "bpftool prog dump xlated pinned $D/traced");
    assert.match(dump, new RegExp(`r0 = \\*\\(u32 \\*\\)\\(r1 \\+${offset}\\)`));
  });
});

/** Programs of other kinds; the tc one reads a constant from `.rodata` and opens and closes a kernel iterator. */
function kindsObject(): ObjectSpec {
  const btf = new BtfBuilder();
  const int = btf.int("int", 4, { signed: true });
  const it = btf.pointer(btf.struct("bpf_iter_num", 8, [{ name: "__opaque", type: btf.int("u64", 8), bitOffset: 0 }]));
  const proto = btf.prototype(int, [{ name: "ctx", type: btf.pointer(0) }]);
  const open = btf.func(
    "bpf_iter_num_new",
    btf.prototype(int, [
      { name: "it", type: it },
      { name: "start", type: int },
      { name: "end", type: int },
    ]),
    "extern",
  );
  const close = btf.func("bpf_iter_num_destroy", btf.prototype(0, [{ name: "it", type: it }]), "extern");
  const program = (name: string, section: string, result: number): ProgramSpec => ({
    name,
    section,
    instructions: [movImm(0, result), exit()],
    mapReferences: [],
    functions: [{ slot: 0, type: btf.func(name, proto, "global") }],
    lines: [],
  });
  const classify: ProgramSpec = {
    ...program("classify", "tc", 0),
    instructions: [
      movReg(1, 10), // 0
      alu64("add", 1, -8), // 1
      movImm(2, 0), // 2
      movImm(3, 3), // 3
      callKfunc(1), // 4
      movReg(1, 10), // 5
      alu64("add", 1, -8), // 6
      callKfunc(2), // 7
      loadWide(1, 0n), // 8, 9
      load(4, 0, 1, 0), // 10
      exit(), // 11
    ],
    dataReferences: [{ slot: 8, section: ".rodata", offset: 4 }],
    kernelFunctions: [
      { slot: 4, type: open },
      { slot: 7, type: close },
    ],
  };
  const task = btf.struct("task_struct", 4, [{ name: "pid", type: int, bitOffset: 0 }]);
  const traced: ProgramSpec = {
    ...program("traced", "tp_btf/sched_switch", 0),
    instructions: [load(8, 1, 1, 16), load(4, 0, 1, 0), movImm(0, 0), exit()],
    coreRelocations: [{ slot: 1, type: task, access: "0:0", kind: "field_byte_offset" }],
  };
  const constant = btf.const(int);
  return {
    license: "GPL",
    programs: [classify, program("deny", "cgroup/connect4", 1), traced],
    maps: [],
    data: [
      {
        section: ".rodata",
        bytes: Uint8Array.of(1, 0, 0, 0, 99, 0, 0, 0),
        variables: [
          { name: "first", type: constant, offset: 0, size: 4 },
          { name: "limit", type: constant, offset: 4, size: 4 },
        ],
      },
    ],
    btf,
  };
}

function inspect(spec: ObjectSpec, tool: string, options: readonly string[]): string {
  return withFile(spec, (file) => {
    const { stdout, stderr } = spawnSync(tool, [...options, file], { encoding: "utf8", timeout: 20_000 });
    return stdout + stderr;
  });
}

/**
 * Loads and pins every program in a bpffs of its own, runs `then`, and gives what it printed. The mount namespace ends
 * with the shell, and with it the pins, so that nothing stays loaded.
 */
function loadAll(spec: ObjectSpec, then: string): string {
  return withFile(spec, (file) => {
    const script = `set -e
      mount -t bpf bpffs /sys/fs/bpf; D=/sys/fs/bpf/iov-prog; M=/sys/fs/bpf/iov-map
      bpftool prog loadall ${file} $D pinmaps $M; ${then}`;
    const { status, stdout, stderr } = spawnSync("unshare", ["-m", "sh", "-c", script], {
      encoding: "utf8",
      timeout: 30_000,
    });
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stderr, /Error loading .BTF/);
    return stdout;
  });
}

function withFile<T>(spec: ObjectSpec, use: (file: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), `iov${process.pid}-`));
  try {
    const file = join(directory, "kinds.o");
    writeFileSync(file, writeObject(spec));
    return use(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function missing(tool: string): string | false {
  const found = spawnSync(tool, ["--version"], { stdio: "ignore" }).status === 0;
  return found ? false : `${tool} is not installed`;
}

function loadProblem(): string | false {
  const bpftool = spawnSync("bpftool", ["version"], { stdio: "ignore" }).status;
  if (bpftool !== 0) return "bpftool is not installed";
  const mount = spawnSync("unshare", ["-m", "mount", "-t", "bpf", "bpffs", "/sys/fs/bpf"], { encoding: "utf8" });
  return mount.status === 0 ? false : `no bpffs can be mounted: ${mount.stderr?.trim() ?? "no unshare"}`;
}
