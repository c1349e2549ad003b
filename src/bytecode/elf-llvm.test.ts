import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { BtfReader } from "./btf-reader.ts";
import { decode } from "./decode.ts";
import { type ReadObject, readObject } from "./elf-read-object.ts";
import { PseudoSource, slotOffsets } from "./instruction.ts";
import { Opcode } from "./opcode.ts";

const llc = ["llc", "llc-14"].find(knowsBpf);

describe("an object made by LLVM", { skip: llc ? false : "no llc with the bpf target is installed" }, () => {
  let object: ReadObject;

  before(() => {
    const options = ["-march=bpfel", "-filetype=obj"];
    object = readObject(compile(llc!, options, new URL("testdata/counter.ll", import.meta.url).pathname));
  });

  test("has its map, license and data", () => {
    const [counters] = object.maps;
    assert.deepEqual(
      { name: counters?.name, type: counters?.type, key: counters?.keySize, value: counters?.valueSize },
      { name: "counters", type: 1, key: 4, value: 8 },
    );
    assert.equal(counters?.maxEntries, 16);
    assert.equal(object.license, "GPL");
    assert.deepEqual(object.data, [
      { section: ".rodata", bytes: Uint8Array.of(5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0) },
      { section: ".bss", bytes: new Uint8Array(8) },
    ]);
  });

  test("is linked with the subprograms that it reaches, static and global", () => {
    const [program] = object.programs;
    assert.deepEqual(
      program!.functions.map(({ name }) => name),
      ["count", "twice", "index", "pad"],
    );
    assert.ok(program!.functions.every(({ type }) => type > 0));
    const instructions = decode(program!.code);
    const slots = slotOffsets(instructions);
    const targets = instructions.flatMap(({ opcode, src, imm }, index) =>
      opcode === Opcode.call && src === PseudoSource.localCall ? [slots[index]! + 1 + imm] : [],
    );
    const starts = program!.functions.map(({ slot }) => slot);
    assert.deepEqual(targets, [starts[1], starts[2], starts[3]], "count calls twice and index, twice calls pad");
  });

  test("has its references to the map and to data", () => {
    const [program] = object.programs;
    const instructions = decode(program!.code);
    const slots = slotOffsets(instructions);
    const references = [...program!.mapReferences, ...program!.dataReferences];
    for (const { slot } of references) assert.equal(instructions[slots.indexOf(slot)]?.opcode, Opcode.lddw);
    assert.deepEqual(
      program!.mapReferences.map(({ map }) => map),
      ["counters"],
    );
    assert.deepEqual(
      program!.dataReferences.map(({ section, offset }) => [section, offset]),
      [
        [".bss", 0],
        [".rodata", 0],
      ],
    );
  });
});

const clang = newestClang();

describe("an object made by clang with several maps", { skip: clang ? false : "no clang is installed" }, () => {
  let object: ReadObject;

  before(() => {
    const source = new URL("testdata/maps.c", import.meta.url).pathname;
    object = readObject(compile(clang!, ["-O2", "-g", "-Wall", "-target", "bpf", "-c"], source));
  });

  test("has each map at its place, and the program refers to the right ones", () => {
    const sizes = object.maps.map(({ name, maxEntries, valueSize }) => [name, maxEntries, valueSize]);
    assert.deepEqual(sizes.sort(), [
      ["first", 8, 4],
      ["second", 16, 8],
      ["third", 4096, 0],
    ]);
    assert.deepEqual(
      object.programs[0]!.mapReferences.map(({ map }) => map),
      ["second", "first"],
    );
    assert.equal(new Set(object.maps.map(({ offset }) => offset)).size, 3);
  });

  test("has BTF that the kernel would take: its sections have sizes, and variables in order", () => {
    const btf = new BtfReader(object.btf!);
    for (const [name, size] of [
      [".data", 8],
      [".bss", 8],
      ["license", 4],
    ] as const) {
      const section = btf.type(btf.find(name, "datasec")!);
      assert.ok(section?.kind === "datasec");
      assert.equal(section.size, size, name);
      const ends = section.variables.map(({ offset, size: bytes }) => offset + bytes);
      assert.equal(ends.at(-1), size, name);
      const inOrder = section.variables.slice(1).every(({ offset }, index) => offset >= ends[index]!);
      assert.ok(inOrder, name);
    }
  });
});

function compile(compiler: string, options: readonly string[], source: string): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), `iov${process.pid}-`));
  try {
    const file = join(directory, "object.o");
    const { status, stderr } = spawnSync(compiler, [...options, source, "-o", file], {
      encoding: "utf8",
      timeout: 30_000,
    });
    assert.equal(status, 0, stderr);
    return readFileSync(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** From LLVM 15 on the source's typed pointers are refused, so that only a compiler that takes them counts. */
function knowsBpf(name: string): boolean {
  const { status, stdout } = spawnSync(name, ["--version"], { encoding: "utf8" });
  return status === 0 && stdout.includes("bpfel") && /LLVM version 1[0-4]\./.test(stdout);
}

/** The highest `clang-22`, `clang-19`, ... of LLVM's Debian packages, else plain `clang`, if it knows eBPF. */
function newestClang(): string | undefined {
  const versions = Array.from({ length: 20 }, (_, index) => `clang-${30 - index}`);
  return [...versions, "clang"].find((name) => {
    const { status, stdout } = spawnSync(name, ["-print-targets"], { encoding: "utf8" });
    return status === 0 && stdout.includes("bpfel");
  });
}
