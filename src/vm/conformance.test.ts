import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assemble } from "../bytecode/assemble.ts";
import { decode } from "../bytecode/decode.ts";
import { encode } from "../bytecode/encode.ts";
import { run } from "./run.ts";

const folder = new URL("../../test/vectors/bpf_conformance/", import.meta.url);

/** The sections of a test case by name: asm, raw, mem, result, error. */
function readSections(text: string): Map<string, string> {
  const sections = new Map<string, string>();
  let current = "";
  for (const line of text.split(/\r?\n/)) {
    const heading = /^-- *(asm|raw|mem|result|error)\b/.exec(line.replace(/#.*/, ""));
    if (line.includes("--") && !line.trimStart().startsWith("#")) {
      current = heading?.[1] ?? "";
    } else if (current !== "") {
      sections.set(current, `${sections.get(current) ?? ""}${line.replace(/#.*/, "")}\n`);
    }
  }
  return sections;
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.split(/\s+/).filter(Boolean), (byte) => Number.parseInt(byte, 16));
}

function fromWords(text: string): Uint8Array {
  const words = text.split(/\s+/).filter(Boolean).map(BigInt);
  return new Uint8Array(new BigUint64Array(words).buffer);
}

for (const file of readdirSync(folder).filter((name) => name.endsWith(".data"))) {
  const sections = readSections(readFileSync(new URL(file, folder), "utf8"));
  test(`bpf_conformance ${file}`, () => {
    const assembly = sections.get("asm");
    const raw = sections.get("raw");
    const memory = fromHex(sections.get("mem") ?? "");
    if (assembly !== undefined && raw !== undefined) {
      assert.deepEqual(encode(assemble(assembly)), fromWords(raw), "assembly and raw form agree");
    }
    // Through the encoding, so that every case also tests encode and decode.
    const program = decode(assembly === undefined ? fromWords(raw ?? "") : encode(assemble(assembly)));
    assert.equal(run(program, { memory }).result, BigInt((sections.get("result") ?? "").trim()));
  });
}
