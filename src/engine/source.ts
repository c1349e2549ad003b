import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { checkModule } from "../compiler/check/index.ts";
import { type Diagnostic, diagnosticAt } from "../compiler/diagnostics.ts";
import { readModule } from "../compiler/hir/serialise.ts";
import type { Module } from "../compiler/hir/tree.ts";
import { IovisorError } from "../errors.ts";
import { DiagnosticsError } from "./diagnostics-error.ts";
import { requireFile } from "./files.ts";
import { HirCache } from "./hir-cache.ts";

/** A kernel module in HIR and what it was made of. */
export interface CompiledSource {
  readonly module: Module;
  /** Absolute. */
  readonly path: string;
  /** Absolute paths of all files it was made of, the entry first. */
  readonly dependencies: readonly string[];
  /** It came from the cache: the TypeScript compiler was not needed. */
  readonly cached: boolean;
}

/** The absolute path of a source that was given as a path or a file URL. */
export function sourcePath(source: string | URL): string {
  if (source instanceof URL || source.startsWith("file:")) return fileURLToPath(source);
  return resolve(source);
}

/** Whether a source can be had without the TypeScript compiler. */
export function isCompiled(path: string): boolean {
  return path.endsWith(".json") || new HirCache().read(path) !== undefined;
}

/**
 * HIR of a source: of a `.ts` file from the cache or by compiling it, of a `.hir.json` file by reading it.
 *
 * @throws DiagnosticsError with everything that is wrong, E_USAGE for a file that is not there, E_FORMAT
 */
export async function compileSource(
  source: string | URL,
  options: { readonly cache?: boolean } = {},
): Promise<CompiledSource> {
  const path = sourcePath(source);
  requireFile(path, "give the path of a kernel module that you may read, such as examples/closed-port.ts");
  if (path.endsWith(".json")) return { module: readHir(path), path, dependencies: [path], cached: true };
  if (!/\.m?ts$/.test(path)) {
    throw new IovisorError("E_USAGE", `${path} is no kernel module`, "give a .ts file, or a .hir.json that was built");
  }
  const cache = options.cache === false ? undefined : new HirCache();
  const known = cache?.read(path);
  if (known) return { ...known, path, cached: true };
  const { module, diagnostics, dependencies } = await compileFile(path);
  if (!module) throw new DiagnosticsError(diagnostics);
  const compiled = { module, dependencies: [path, ...dependencies.filter((one) => one !== path)] };
  cache?.write(path, compiled);
  return { ...compiled, path, cached: false };
}

/** @throws E_FORMAT that names the file */
function readHir(path: string): Module {
  try {
    return readModule(readFileSync(path, "utf8"));
  } catch (cause) {
    if (!(cause instanceof IovisorError)) throw cause;
    throw new IovisorError(cause.code, `${path}: ${cause.message}`, cause.remedy, { cause });
  }
}

interface FrontEndResult {
  readonly module: Module | undefined;
  readonly diagnostics: readonly Diagnostic[];
  readonly dependencies: readonly string[];
}

/** The front end and, when it is content, the flow checker; all diagnostics of whichever was not. */
export async function compileFile(path: string): Promise<FrontEndResult> {
  const { compileModule } = await import("../compiler/frontend/index.ts");
  const result = compileModule(path);
  const { diagnostics, dependencies } = result;
  if (!result.module || diagnostics.length > 0) return { module: undefined, diagnostics, dependencies };
  const findings = moduleDiagnostics(result.module, path);
  return { module: findings.length > 0 ? undefined : result.module, diagnostics: findings, dependencies };
}

/** What the flow checker finds, with the paths of the real files. */
export function moduleDiagnostics(module: Module, path: string): Diagnostic[] {
  return checkModule(module).findings.map((finding) => {
    const diagnostic = diagnosticAt(module, finding.at, finding);
    return { ...diagnostic, file: resolve(dirname(path), diagnostic.file) };
  });
}
