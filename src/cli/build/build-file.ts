import { renameSync, rmSync, writeFileSync } from "node:fs";
import { type BuildFormat, buildModule } from "../../engine/build.ts";
import { systemReason } from "../../engine/files.ts";
import { compileSource } from "../../engine/source.ts";
import { IovisorError } from "../../errors.ts";
import type { BuildArguments } from "../commands/build.ts";
import { parseSettings } from "../run/settings.ts";
import { withProgress } from "../terminal.ts";

/** `iovisor build`: writes the whole file or nothing. */
export async function buildFile(file: string, { output, hook, set, fewPaths }: BuildArguments): Promise<void> {
  const format = formatOf(output);
  if (format === "hir" && fewPaths) {
    throw new IovisorError("E_USAGE", "HIR has no form yet", "leave --few-paths out, or make an ELF object");
  }
  const { module } = await withProgress(`compiling ${file}`, () => compileSource(file));
  const bytes = buildModule(module, { format, settings: parseSettings(set), hooks: hook, fewPaths: fewPaths === true });
  const temporary = `${output}.${process.pid}`;
  try {
    writeFileSync(temporary, bytes);
    renameSync(temporary, output);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new IovisorError("E_USAGE", `${output} cannot be written: ${systemReason(error)}`, "choose another place");
  }
  process.stderr.write(`${output}: ${bytes.length} bytes of ${format === "elf" ? "ELF" : "HIR"}\n`);
}

function formatOf(output: string): BuildFormat {
  if (output.endsWith(".o")) return "elf";
  if (output.endsWith(".json")) return "hir";
  throw new IovisorError("E_USAGE", `the name ${output} does not say what to make`, "end it in .o or in .hir.json");
}
