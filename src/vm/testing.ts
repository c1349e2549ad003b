/** Cases of the public bpf_conformance suite: their form, and how the machine does on them. For tests. */
import assert from "node:assert/strict";
import { assemble } from "../bytecode/assemble.ts";
import { decode } from "../bytecode/decode.ts";
import { encode } from "../bytecode/encode.ts";
import type { Instruction } from "../bytecode/instruction.ts";
import { IovisorError } from "../errors.ts";
import { VmFault } from "./fault.ts";
import { run } from "./run.ts";

export interface ConformanceCase {
  readonly assembly: string | undefined;
  /** 64-bit words, two of them for an `lddw`. */
  readonly raw: Uint8Array | undefined;
  readonly memory: Uint8Array | undefined;
  readonly result: bigint | undefined;
  /** The program fails; the text is that of another runtime. */
  readonly error: string | undefined;
}

const sectionNames = ["asm", "raw", "mem", "result", "error"] as const;
type Section = (typeof sectionNames)[number];

/** Other sections (`-- c`, `-- no register offset` and the like) speak to other runtimes and are passed over. */
export function readCase(text: string): ConformanceCase {
  const sections: Partial<Record<Section, string>> = {};
  let current: Section | undefined;
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\s*--\s*([^#]*)/.exec(line)?.[1];
    if (heading !== undefined) current = sectionNames.find((name) => heading.trim() === name);
    else if (current !== undefined) sections[current] = `${sections[current] ?? ""}${line.replace(/#.*/, "")}\n`;
  }
  const words = (section: Section): readonly string[] | undefined => sections[section]?.split(/\s+/).filter(Boolean);
  const result = words("result")?.at(-1);
  const raw = words("raw")?.map(BigInt);
  return {
    assembly: sections.asm,
    raw: raw && new Uint8Array(new BigUint64Array(raw).buffer),
    memory: words("mem") && Uint8Array.from(words("mem")!, (byte) => Number.parseInt(byte, 16)),
    result: result === undefined ? undefined : BigInt.asUintN(64, BigInt(result)),
    error: sections.error?.trim(),
  };
}

/** Fails where the machine does not do what the case says; what the case gives in two forms is tried in both. */
export function checkCase({ assembly, raw, memory, result, error }: ConformanceCase): void {
  // Through the encoding, so that every case also tests encode and decode.
  const forms = [
    ...(raw === undefined ? [] : [(): Instruction[] => decode(raw)]),
    ...(assembly === undefined ? [] : [(): Instruction[] => decode(encode(assemble(assembly)))]),
  ];
  assert.ok(forms.length > 0, "the case has a program");
  assert.ok(result !== undefined || error !== undefined, "the case says what comes out");
  for (const form of forms) {
    const outcome = (): bigint => run(form(), memory === undefined ? {} : { memory: memory.slice() }).result;
    if (error === undefined) assert.equal(outcome(), result);
    else assert.throws(outcome, (thrown) => thrown instanceof VmFault || thrown instanceof IovisorError);
  }
  if (raw !== undefined && assembly !== undefined)
    assert.deepEqual(encode(assemble(assembly)), raw, "assembly and raw form agree");
}
