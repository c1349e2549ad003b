import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { isStackOverflow } from "./stack.ts";

const kernelFolder = fileURLToPath(new URL("../../language/kernel/", import.meta.url));

/** What kernel code may import besides files. */
const packages: Readonly<Record<string, string>> = {
  "iovisor/kernel": resolve(kernelFolder, "index.d.ts"),
  "iovisor/kernel/headers": resolve(kernelFolder, "headers.ts"),
};

const libraryFile = resolve(kernelFolder, "lib.d.ts");

/**
 * As strict as tsc can be, with two exceptions: an element is never undefined, since its index is proven to be in
 * range; and `exactOptionalPropertyTypes` would only make the messages about brands longer.
 */
const compilerOptions: ts.CompilerOptions = {
  noLib: true,
  types: [],
  module: ts.ModuleKind.ESNext,
  moduleDetection: ts.ModuleDetectionKind.Force,
  target: ts.ScriptTarget.ESNext,
  noEmit: true,
  allowImportingTsExtensions: true,
  strict: true,
  noImplicitReturns: true,
  noImplicitOverride: true,
  skipLibCheck: true,
  skipDefaultLibCheck: true,
};

interface CachedFile {
  readonly version: string;
  readonly file: ts.SourceFile;
}

/** Files that are parsed, by path: the library stays parsed (and bound) from one compilation to the next. */
const files = new Map<string, CachedFile>();
/** The last program of an entry, whose unchanged files the next one takes over. */
const programs = new Map<string, ts.Program>();
const keptPrograms = 8;

/** A file that is nested more deeply than tsc can parse. */
export class TooDeep extends Error {
  readonly fileName: string;
  readonly text: string;

  constructor(fileName: string, text: string) {
    super(`${fileName} is nested too deeply`);
    this.fileName = fileName;
    this.text = text;
  }
}

/** Text that stands in for files: unsaved edits, generated modules. Absolute paths. */
export type Overlay = ReadonlyMap<string, string>;

export function isLibraryFile(path: string): boolean {
  return path.startsWith(kernelFolder) && path.endsWith(".d.ts");
}

export function isInstalledSource(path: string): boolean {
  return path.startsWith(kernelFolder);
}

/** Whether a specifier can name a kernel module. */
export function isKernelImport(specifier: string): boolean {
  return Object.hasOwn(packages, specifier) || /^\.\.?\//.test(specifier);
}

/** The name that a source goes by in messages and line information when it belongs to this package. */
export function installedName(path: string): string {
  const name = path.slice(kernelFolder.length).replace(/\.ts$/, "");
  return `iovisor/kernel/${name}`;
}

/** Parses and binds an entry and all that it imports. Fast when little has changed since the last time. */
export function createProgram(entry: string, overlay: Overlay): ts.Program {
  const program = ts.createProgram({
    rootNames: [libraryFile, entry],
    options: compilerOptions,
    host: compilerHost(overlay),
    ...(programs.has(entry) ? { oldProgram: programs.get(entry)! } : {}),
  });
  programs.delete(entry);
  programs.set(entry, program);
  if (programs.size > keptPrograms) programs.delete(programs.keys().next().value!);
  return program;
}

function compilerHost(overlay: Overlay): ts.CompilerHost {
  const exists = (path: string): boolean => overlay.has(path) || isFile(path);
  return {
    getSourceFile: (path) => sourceFile(path, overlay),
    getDefaultLibFileName: () => libraryFile,
    writeFile: () => undefined,
    getCurrentDirectory: () => process.cwd(),
    getCanonicalFileName: (path) => path,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
    fileExists: exists,
    readFile: (path) => overlay.get(path) ?? readText(path),
    resolveModuleNameLiterals: (literals, containing) =>
      literals.map((literal) => ({ resolvedModule: resolveModule(literal.text, containing, exists) })),
  };
}

function resolveModule(
  name: string,
  containing: string,
  exists: (path: string) => boolean,
): ts.ResolvedModuleFull | undefined {
  const path = Object.hasOwn(packages, name) ? packages[name] : relativePath(name, containing, exists);
  if (path === undefined) return undefined;
  const extension = path.endsWith(".d.ts") ? ts.Extension.Dts : ts.Extension.Ts;
  return { resolvedFileName: path, extension, isExternalLibraryImport: false };
}

function relativePath(name: string, containing: string, exists: (path: string) => boolean): string | undefined {
  if (!/^\.\.?\//.test(name)) return undefined;
  const path = resolve(dirname(containing), name);
  const candidates = /\.ts$/.test(path) ? [path] : [path.replace(/\.js$/, "") + ".ts", path.replace(/\.js$/, ".d.ts")];
  return candidates.find((candidate) => candidate.endsWith(".ts") && exists(candidate));
}

function sourceFile(path: string, overlay: Overlay): ts.SourceFile | undefined {
  const given = overlay.get(path);
  const version = given ?? versionOf(path);
  if (version === undefined) return undefined;
  const cached = files.get(path);
  if (cached?.version === version) return cached.file;
  const text = given ?? readText(path);
  if (text === undefined) return undefined;
  const file = parse(path, text);
  // Programs tell by it whether a file is still the one that they have bound.
  Object.assign(file, { version });
  files.set(path, { version, file });
  return file;
}

function parse(path: string, text: string): ts.SourceFile {
  try {
    return ts.createSourceFile(path, text, { languageVersion: ts.ScriptTarget.ESNext, jsDocParsingMode }, true);
  } catch (error) {
    throw isStackOverflow(error) ? new TooDeep(path, text) : error;
  }
}

/** Comments are for editors; the compiler has no use for their inner structure. */
const jsDocParsingMode = ts.JSDocParsingMode.ParseNone;

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function versionOf(path: string): string | undefined {
  const status = statSync(path, { throwIfNoEntry: false });
  return status?.isFile() ? `${status.mtimeMs} ${status.size} ${status.ino}` : undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
