import { slotCount } from "../../bytecode/instruction.ts";
import { printInstruction } from "../../bytecode/print.ts";
import type { CompiledProgram } from "../../compiler/compile.ts";
import { printModule } from "../../compiler/hir/print.ts";
import type { Module } from "../../compiler/hir/tree.ts";
import { printIr } from "../../compiler/ir/text.ts";
import { compileModulePrograms } from "../../engine/compiled.ts";
import { compileSource } from "../../engine/source.ts";
import { IovisorError } from "../../errors.ts";
import type { DumpArguments } from "../commands/dump.ts";
import { parseSettings } from "../run/settings.ts";
import { paint, withProgress } from "../terminal.ts";
import { printBtf } from "./btf.ts";

/** `iovisor dump`. */
export async function dumpFile(file: string, args: DumpArguments): Promise<void> {
  const { module } = await withProgress(`compiling ${file}`, () => compileSource(file));
  for (const part of dump(module, args)) process.stdout.write(`${part.trimEnd()}\n`);
}

function dump(module: Module, args: DumpArguments): readonly string[] {
  if (args.stage === "hir") return [printModule(module)];
  if (args.optimization !== 0 && args.optimization !== 2) {
    throw new IovisorError("E_USAGE", `there is no optimization level ${args.optimization}`, "give 0 or 2");
  }
  const stages: (readonly [name: string, text: string])[] = [];
  const { programs } = compileModulePrograms(module, {
    settings: parseSettings(args.set),
    hooks: args.hook,
    compile: {
      optimization: args.optimization,
      observe: (stage, ir) => stages.push([stage, printIr(ir)]),
    },
  });
  switch (args.stage) {
    case "ir":
      // Without optimization the lowered form is the last one.
      return stages
        .filter(([stage]) => stage === (args.optimization === 0 ? "lowered" : "optimized"))
        .map(([, text]) => text);
    case "passes":
      return stages.map(([stage, text]) => `${paint("bold", `; after ${stage}`)}\n${text}`);
    case "bytecode":
      return programs.map(({ code }) => printCode(code));
    case "btf":
      return programs.map(({ code }) => `${heading(code)}\n${printBtf(code.btf)}`);
  }
}

function heading(code: CompiledProgram): string {
  const size = `${code.instructions.length} instructions, ${code.stackDepth} bytes of stack`;
  return paint("bold", `; ${code.name} at ${code.hook.name}: ${size}`);
}

/** Instructions under the lines of the source that they come from. */
function printCode(code: CompiledProgram): string {
  const lines = new Map(code.lines.map((line) => [line.slot, line]));
  const maps = new Map(code.mapReferences.map((reference) => [reference.index, reference.map]));
  const functions = new Map(code.kernelFunctions.map((call) => [call.index, call.name]));
  const output = [heading(code)];
  let slot = 0;
  for (const [index, instruction] of code.instructions.entries()) {
    const line = lines.get(slot);
    if (line) output.push(paint("dim", `; ${line.file}:${line.line}: ${line.text}`));
    const text = printInstruction(instruction, {
      mapName: () => maps.get(index),
      kfuncName: () => functions.get(index),
    });
    output.push(`${String(slot).padStart(5)}: ${text}`);
    slot += slotCount(instruction);
  }
  return output.join("\n");
}
