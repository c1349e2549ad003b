import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { IovisorError } from "../errors.ts";
import { BtfBuilder } from "./btf-builder.ts";
import { encodeBtfExt, encodeFunctionInfo, encodeLineInfo, lineColumn } from "./btf-ext.ts";
import { readBtfExt } from "./btf-ext-reader.ts";
import { mangle } from "./btf-names.ts";
import { BtfReader } from "./btf-reader.ts";
import { kindNumbers } from "./btf-types.ts";

const skip = bpftoolProblem();

/** One type of each kind. */
function everyKind(): BtfBuilder {
  const btf = new BtfBuilder();
  const u32 = btf.int("u32", 4);
  const node = btf.reserve();
  const next = btf.pointer(node);
  const members = [
    { name: "next", type: next, bitOffset: 0, bitfieldSize: 0 },
    { name: "flags", type: u32, bitOffset: 64, bitfieldSize: 3 },
    { name: "rest", type: u32, bitOffset: 67, bitfieldSize: 29 },
  ];
  btf.define(node, { kind: "struct", name: "node", size: 16, members });
  btf.union("either", 8, [
    { name: "list", type: next, bitOffset: 0 },
    { name: "words", type: btf.array(u32, 2), bitOffset: 0 },
  ]);
  btf.enum("color", [{ name: "red", value: -1 }]);
  btf.enum("big", [{ name: "huge", value: 0xffff_ffff_ffffn }]);
  btf.forward("later", { union: true });
  const typedef = btf.typedef("count_t", btf.volatile(btf.const(u32)));
  btf.add({ kind: "restrict", type: next });
  const main = btf.func("main", btf.prototype(u32, [{ name: "ctx", type: next }]), "global");
  const variable = btf.var("counter", typedef);
  btf.datasec(".data", 4, [{ type: variable, offset: 0, size: 4 }]);
  btf.float("double", 8);
  btf.declTag("important", main, 0);
  btf.pointer(btf.typeTag("user", u32));
  return btf;
}

describe("BTF builder", () => {
  test("every kind reads back as it was built", () => {
    const built = everyKind();
    const read = new BtfReader(built.toBytes());
    assert.equal(read.count, built.count);
    const kinds = new Set<string>();
    for (let id = 1; id <= read.count; id++) {
      const type = read.type(id);
      assert.deepEqual(type, built.type(id), `type ${id}`);
      kinds.add(type!.kind);
    }
    assert.deepEqual([...kinds].sort(), Object.keys(kindNumbers).sort());
  });

  test("equal types and strings are stored once", () => {
    const btf = new BtfBuilder();
    const first = btf.pointer(btf.int("u8", 1));
    const size = btf.toBytes().length;
    assert.equal(btf.pointer(btf.int("u8", 1)), first);
    assert.equal(btf.toBytes().length, size);
  });

  test("a reserved id that is never defined is refused", () => {
    const btf = new BtfBuilder();
    btf.reserve();
    assert.throws(() => btf.toBytes(), { code: "E_FORMAT", message: /type 1 was reserved/ });
  });

  test("a copy grows apart from the original", () => {
    const btf = everyKind();
    const before = btf.toBytes();
    const copy = btf.clone();
    assert.deepEqual(copy.toBytes(), before);
    copy.int("another", 8);
    assert.deepEqual(btf.toBytes(), before);
  });

  test("bpftool reads every kind", { skip }, () => {
    const dump = dumpBtf(everyKind().toBytes());
    assert.match(dump, /STRUCT 'node' size=16 vlen=3/);
    assert.match(dump, /'rest' type_id=1 bits_offset=67 bitfield_size=29/);
    assert.match(dump, /ENUM64 'big' encoding=UNSIGNED size=8/);
    assert.match(dump, /FUNC 'main' type_id=\d+ linkage=global/);
    assert.match(dump, /DECL_TAG 'important' type_id=\d+ component_idx=0/);
  });
});

describe("names", () => {
  test("valid names stay, others become identifiers that differ", () => {
    assert.equal(mangle("load_u8_be2"), "load_u8_be2");
    assert.equal(mangle("$state"), "_U24_state");
    assert.equal(mangle("größe"), "gr_Uf6__Udf_e");
    assert.equal(mangle("1st"), "_U31_st");
    assert.equal(mangle(""), "");
    const tricky = ["a$", "a_U24_", "a$_U24_", "a_U5f_U24_$", "a__U24_$", "a_U5f_U24_"];
    assert.equal(new Set(tricky.map(mangle)).size, tricky.length);
  });

  test("a name longer than the kernel's 127 characters is cut, and stays its own", () => {
    const long = "x".repeat(200);
    assert.equal(mangle(long).length, 127);
    assert.notEqual(mangle(long), mangle(`${long}y`));
  });
});

describe("function and line records", () => {
  const lines = [
    { slot: 0, file: "a.ts", text: "const x = 1;", line: 3, column: 7 },
    { slot: 2, file: "a.ts", text: "return x;", line: 4, column: 1 },
  ];

  test("the form for the system call counts slots", () => {
    const btf = new BtfBuilder();
    const view = new DataView(encodeLineInfo(lines, btf).buffer);
    assert.equal(view.getUint32(16, true), 2);
    assert.equal(view.getUint32(28, true), (4 << 10) | 1);
    const read = new BtfReader(btf.toBytes());
    assert.equal(read.string(view.getUint32(24, true)), "return x;");
    const functions = new DataView(encodeFunctionInfo([{ slot: 0, type: 9 }]).buffer);
    assert.equal(functions.getUint32(4, true), 9);
  });

  test("the form for ELF counts bytes and reads back", () => {
    const btf = new BtfBuilder();
    const functions = [{ slot: 0, type: 5 }];
    const relocations = [{ slot: 1, type: 5, access: "0:1", kind: "field_byte_offset" }] as const;
    const bytes = encodeBtfExt([{ section: "xdp", functions, lines, relocations }], btf);
    const read = readBtfExt(bytes, new BtfReader(btf.toBytes()));
    assert.deepEqual(read, new Map([["xdp", { functions, lines }]]));
    const view = new DataView(bytes.buffer);
    const table = 32 + view.getUint32(24, true);
    assert.equal(view.getUint32(table, true), 16, "size of a CO-RE record");
    assert.equal(view.getUint32(table + 12, true), 8, "bytes, not slots");
  });

  test("positions that do not fit are held at the largest", () => {
    assert.equal(lineColumn(1, 5000), (1 << 10) | 1023);
    assert.equal(lineColumn(5_000_000, 1), ((0x3fffff << 10) | 1) >>> 0);
  });

  test("records out of order are refused with their place", () => {
    const twice = [lines[0]!, lines[1]!, lines[1]!];
    assert.throws(() => encodeLineInfo(twice, new BtfBuilder()), {
      code: "E_FORMAT",
      message: /record 2 is at slot 2/,
    });
    assert.throws(() => encodeFunctionInfo([{ slot: 1, type: 1 }]), { message: /the first must be at 0/ });
  });
});

describe("broken BTF", () => {
  test("each cut or flipped blob is read or refused with E_FORMAT, never a crash", () => {
    const whole = everyKind().toBytes();
    for (let length = 0; length < whole.length; length++) refuses(whole.subarray(0, length));
    for (let at = 0; at < whole.length; at++) {
      const flipped = whole.slice();
      flipped[at]! ^= 0xff;
      refuses(flipped);
    }
  });
});

/** Walks everything; the only error that may come out is E_FORMAT. */
function refuses(bytes: Uint8Array): void {
  try {
    const btf = new BtfReader(bytes);
    for (let id = 1; id <= btf.count; id++) {
      btf.type(id);
      btf.sizeOf(id);
    }
    btf.findAll("node", "struct");
  } catch (error) {
    assert.ok(error instanceof IovisorError && error.code === "E_FORMAT", String(error));
  }
}

function dumpBtf(bytes: Uint8Array): string {
  const directory = mkdtempSync(join(tmpdir(), "iov-btf-"));
  try {
    writeFileSync(join(directory, "blob"), bytes);
    return execFileSync("bpftool", ["btf", "dump", "file", join(directory, "blob")], { encoding: "utf8" });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function bpftoolProblem(): string | false {
  try {
    execFileSync("bpftool", ["version"], { stdio: "ignore" });
    return false;
  } catch {
    return "bpftool is not installed";
  }
}
