import { printModule } from "../../compiler/hir/print.ts";
import type { Module } from "../../compiler/hir/tree.ts";
import { printIr } from "../../compiler/ir/text.ts";
import { compileModulePrograms } from "../../engine/compiled.ts";
import { codeHeading, type ListingStyle, listCode } from "../../engine/listing.ts";
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
      fewPaths: args.fewPaths === true,
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
      return programs.map(({ code }) => listCode(code, style));
    case "btf":
      return programs.map(({ code }) => `${codeHeading(code, style)}\n${printBtf(code.btf)}`);
  }
}

const style: ListingStyle = {
  heading: (text) => paint("bold", text),
  source: (text) => paint("dim", text),
};
