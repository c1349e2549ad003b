import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { member, members } from "./btf-members.ts";
import { BtfReader } from "./btf-reader.ts";
import { functionParameters, tracepointArguments, tracepointRecord } from "./btf-tracing.ts";

const path = "/sys/kernel/btf/vmlinux";
const skip = problem();

describe("the running kernel's BTF", { skip }, () => {
  let btf: BtfReader;
  let dump: string[];

  before(() => {
    btf = new BtfReader(readFileSync(path));
    const text = execFileSync("bpftool", ["btf", "dump", "file", path, "format", "raw"], {
      encoding: "utf8",
      maxBuffer: 256 << 20,
    });
    dump = text.split(/\n(?=\[)/);
  });

  test("indexing takes some tens of milliseconds", () => {
    const bytes = readFileSync(path);
    const start = performance.now();
    new BtfReader(bytes).findStruct("task_struct");
    const took = performance.now() - start;
    assert.ok(took < 200, `took ${took.toFixed(1)} ms`);
  });

  test("kind and name of every type agree with bpftool", () => {
    assert.equal(btf.count, dump.length);
    for (const [index, entry] of dump.entries()) {
      const [, id, kind, name] = /^\[(\d+)\] (\w+) '([^']*)'/.exec(entry)!;
      assert.equal(Number(id), index + 1);
      assert.equal(btf.kind(index + 1), kind!.toLowerCase());
      assert.equal(btf.name(index + 1) || "(anon)", name);
    }
  });

  test("members of structs agree with bpftool", () => {
    for (const name of ["task_struct", "sk_buff", "sock", "net_device", "tcphdr", "iphdr", "xdp_buff"]) {
      const id = btf.findStruct(name)!;
      const type = btf.type(id)!;
      assert.ok(type.kind === "struct");
      const lines = type.members.map((item) => {
        const bits = item.bitfieldSize ? ` bitfield_size=${item.bitfieldSize}` : "";
        return `'${item.name || "(anon)"}' type_id=${item.type} bits_offset=${item.bitOffset}${bits}`;
      });
      const [head, ...rest] = dump[id - 1]!.split("\n").map((line) => line.trim());
      assert.match(head!, new RegExp(`^\\[${id}\\] STRUCT '${name}' size=${type.size} `));
      assert.deepEqual(lines, rest);
    }
  });

  test("a path finds members through anonymous structs, unions and arrays", () => {
    const skb = btf.findStruct("sk_buff")!;
    const task = btf.findStruct("task_struct")!;
    const sock = btf.findStruct("sock")!;
    assert.equal(member(btf, sock, "__sk_common.skc_family")!.size, 2);
    assert.deepEqual(member(btf, sock, "__sk_common.skc_daddr")!.bitOffset, 0, "inside two anonymous layers");
    assert.equal(member(btf, skb, "pkt_type")!.bitfieldSize, 3);
    const comm = member(btf, task, "comm")!;
    assert.equal(comm.size, 16);
    assert.equal(member(btf, task, "comm[3]")!.bitOffset, comm.bitOffset + 24);
    assert.equal(member(btf, task, "comm[16]"), undefined);
    assert.equal(member(btf, task, "no_such_member"), undefined);
    assert.ok(members(btf, skb).some((item) => item.name === "next" && item.bitOffset === 0));
  });

  test("typedefs and qualifiers resolve", () => {
    const id = btf.findTypedef("__be32")!;
    assert.equal(btf.type(btf.resolve(id))?.kind, "int");
    assert.equal(btf.sizeOf(id), 4);
  });

  test("parameters of functions and arguments of tracepoints have their names", () => {
    const parameters = functionParameters(btf, btf.findFunc("kfree_skb_list_reason")!)!;
    assert.deepEqual(
      parameters.map((parameter) => parameter.name),
      ["segs", "reason"],
    );
    const [skb, location] = tracepointArguments(btf, "kfree_skb")!;
    assert.equal(skb!.name, "skb");
    assert.equal(location!.name, "location");
    assert.equal(btf.kind(skb!.type), "ptr");
    const names = tracepointArguments(btf, "sched_switch")!.map((argument) => argument.name);
    assert.deepEqual(names.slice(0, 3), ["preempt", "prev", "next"]);
    assert.equal(tracepointArguments(btf, "no_such_event"), undefined);
  });

  test("a tracepoint's record has its fields and marks the dynamic ones", () => {
    const record = tracepointRecord(btf, "sched_switch")!;
    const prev = record.fields.find((field) => field.name === "prev_pid")!;
    assert.deepEqual({ bitOffset: prev.bitOffset, size: prev.size }, { bitOffset: 192, size: 4 });
    const exec = tracepointRecord(btf, "sched_process_exec")!;
    assert.equal(exec.fields.find((field) => field.name === "filename")!.dynamic, "data_loc");
  });

  test("a name that is not there is not found", () => {
    assert.equal(btf.findStruct("no_such_struct"), undefined);
    assert.equal(btf.findStruct(""), undefined);
  });
});

function problem(): string | false {
  if (!existsSync(path)) return "this kernel has no /sys/kernel/btf/vmlinux";
  try {
    execFileSync("bpftool", ["version"], { stdio: "ignore" });
    return false;
  } catch {
    return "bpftool is not installed";
  }
}
