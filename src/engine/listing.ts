import { slotCount } from "../bytecode/instruction.ts";
import { printInstruction } from "../bytecode/print.ts";
import type { CompiledProgram } from "../compiler/compile.ts";

/** How parts of a listing stand out, where colours are wanted. */
export interface ListingStyle {
  heading(text: string): string;
  source(text: string): string;
}

const plain: ListingStyle = { heading: (text) => text, source: (text) => text };

export function codeHeading(code: CompiledProgram, style: ListingStyle = plain): string {
  const size = `${code.instructions.length} instructions, ${code.stackDepth} bytes of stack`;
  return style.heading(`; ${code.name} at ${code.hook.name}: ${size}`);
}

/** Instructions under the lines of the source that they come from. */
export function listCode(code: CompiledProgram, style: ListingStyle = plain): string {
  const lines = new Map(code.lines.map((line) => [line.slot, line]));
  const maps = new Map(code.mapReferences.map((reference) => [reference.index, reference.map]));
  const functions = new Map(code.kernelFunctions.map((call) => [call.index, call.name]));
  const output = [codeHeading(code, style)];
  let slot = 0;
  for (const [index, instruction] of code.instructions.entries()) {
    const line = lines.get(slot);
    if (line) output.push(style.source(`; ${line.file}:${line.line}: ${line.text}`));
    const text = printInstruction(instruction, {
      mapName: () => maps.get(index),
      kfuncName: () => functions.get(index),
    });
    output.push(`${String(slot).padStart(5)}: ${text}`);
    slot += slotCount(instruction);
  }
  return output.join("\n");
}
