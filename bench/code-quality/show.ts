/** What both compilers make of one program, side by side. */
import { decode } from "../../src/bytecode/decode.ts";
import { readObject } from "../../src/bytecode/elf-read-object.ts";
import { type Instruction, slotCount } from "../../src/bytecode/instruction.ts";
import { printInstruction } from "../../src/bytecode/print.ts";
import { runningAbilities } from "../../src/engine/abilities.ts";
import { compileModulePrograms } from "../../src/engine/compiled.ts";
import type { BenchResult } from "../lib/benchmark.ts";
import { compileC, type Isa } from "../lib/clang.ts";
import { hirOf } from "../lib/loaded-typescript.ts";
import { benchFile } from "../lib/output.ts";

interface SourceLine {
  readonly slot: number;
  readonly text: string;
  readonly line: number;
}

/** A listing with the source's lines above the code that they became. */
function listing(instructions: readonly Instruction[], lines: readonly SourceLine[]): string[] {
  const byLine = new Map(lines.map((each) => [each.slot, `; ${each.line}: ${each.text.trim()}`]));
  const output: string[] = [];
  let slot = 0;
  let shown = "";
  for (const instruction of instructions) {
    const source = byLine.get(slot);
    if (source !== undefined && source !== shown) output.push((shown = source));
    output.push(`${String(slot).padStart(4)}: ${printInstruction(instruction)}`);
    slot += slotCount(instruction);
  }
  return output;
}

const WIDTH = 62;

function cut(text: string): string {
  return text.length > WIDTH ? `${text.slice(0, WIDTH - 1)}…` : text.padEnd(WIDTH);
}

export async function showCode(name: string, isa: Isa): Promise<BenchResult> {
  const module = await hirOf(benchFile("programs", name, "program.ts"));
  const running = runningAbilities();
  const abilities = { ...running, target: { ...running.target, isa: isa === "v4" ? 4 : 3 } } as const;
  const { programs } = compileModulePrograms(module, { hooks: ["xdp"], abilities });
  const { code } = programs[0]!;
  const ours = listing(code.instructions, code.lines);
  const { bytes } = compileC(benchFile("programs", name, "program.c"), { isa });
  const linked = readObject(bytes).programs[0]!;
  const theirs = listing(decode(linked.code), linked.lines);
  const rows = Array.from({ length: Math.max(ours.length, theirs.length) }, (_, index) =>
    `${cut(ours[index] ?? "")} | ${cut(theirs[index] ?? "")}`.trimEnd(),
  );
  const head = `${cut(`TypeScript: ${ours.length} lines`)} | clang -O2 -mcpu=${isa}: ${theirs.length} lines`;
  const markdown = ["```", head, ...rows, "```"].join("\n");
  return { name: `code-quality-${name}`, markdown, plots: [], data: { name, ours, clang: theirs }, missed: [] };
}
