import { createHash } from "node:crypto";
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { readModule, writeModule } from "../compiler/hir/serialise.ts";
import type { Module } from "../compiler/hir/tree.ts";
import { cacheFolder } from "./cache-folder.ts";
import { makeFolder } from "./files.ts";

/**
 * Compiled modules on disk, so that an unchanged source starts without the TypeScript compiler. An entry holds the
 * hashes of the entry file and of all that it imports; it serves as long as they are the same and the compiler is. An
 * entry that is damaged, or that another user could have written, counts as none.
 */
export interface CachedModule {
  readonly module: Module;
  /** Absolute paths of the sources, the entry first. */
  readonly dependencies: readonly string[];
}

interface EntryFile {
  readonly compiler: string;
  readonly dependencies: readonly { readonly path: string; readonly hash: string }[];
  readonly hirHash: string;
  readonly hir: string;
}

const keptEntries = 256;
const unsafeMode = 0o022;
/** Folders whose files decide what HIR a source becomes. */
const compilerFolders = ["../compiler/frontend", "../compiler/hir", "../language"];

export class HirCache {
  readonly #folder: string;
  readonly #compiler: string;

  constructor(folder: string = join(cacheFolder(), "hir"), compiler: string = compilerFingerprint()) {
    this.#folder = folder;
    this.#compiler = compiler;
  }

  /** The module that was made of this entry file, if it and all that it imports are as they were. */
  read(entry: string): CachedModule | undefined {
    try {
      const file = JSON.parse(readOwnFile(this.#path(entry))) as EntryFile;
      if (file.compiler !== this.#compiler || hash(file.hir) !== file.hirHash) return undefined;
      if (!file.dependencies.every((one) => hash(readFileSync(one.path)) === one.hash)) return undefined;
      return { module: readModule(file.hir), dependencies: file.dependencies.map((one) => one.path) };
    } catch {
      return undefined; // missing, damaged, of a source that is gone: it is compiled anew, with a message if need be
    }
  }

  /** Keeps a module. Does nothing where the folder cannot be written: the cache is a convenience. */
  write(entry: string, { module, dependencies }: CachedModule): void {
    try {
      const hir = writeModule(module);
      const file: EntryFile = {
        compiler: this.#compiler,
        dependencies: dependencies.map((path) => ({ path, hash: hash(readFileSync(path)) })),
        hirHash: hash(hir),
        hir,
      };
      makeFolder(this.#folder, 0o700);
      const path = this.#path(entry);
      const temporary = `${path}.${process.pid}`;
      writeFileSync(temporary, JSON.stringify(file), { mode: 0o600 });
      renameSync(temporary, path);
      this.#prune();
    } catch {
      return;
    }
  }

  #path(entry: string): string {
    return join(this.#folder, `${hash(entry).slice(0, 32)}.json`);
  }

  /** Removes the entries that were written longest ago. */
  #prune(): void {
    const names = readdirSync(this.#folder);
    if (names.length <= keptEntries) return;
    const byAge = names
      .map((name) => join(this.#folder, name))
      .map((path) => ({ path, time: statSync(path).mtimeMs }))
      .sort((a, b) => a.time - b.time);
    for (const { path } of byAge.slice(0, names.length - keptEntries)) rmSync(path, { force: true });
  }
}

/** A file of this user that nobody else can write: a cache that others could fill would choose what we load. */
function readOwnFile(path: string): string {
  const descriptor = openSync(path, "r");
  try {
    const { uid, mode } = fstatSync(descriptor);
    if (uid !== process.geteuid?.() || (mode & unsafeMode) !== 0) throw new Error(`${path} is open to others`);
    return readFileSync(descriptor, "utf8");
  } finally {
    closeSync(descriptor);
  }
}

function hash(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

let fingerprint: string | undefined;

/** Names, sizes and times of the compiler's own files: right for an installed package and while it is worked on. */
function compilerFingerprint(): string {
  fingerprint ??= hash(compilerFiles().join("\n"));
  return fingerprint;
}

function compilerFiles(): string[] {
  return compilerFolders.flatMap((name) => {
    const folder = join(import.meta.dirname, name);
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => /\.[jt]s$/.test(file))
      .sort()
      .map((file) => {
        const { size, mtimeMs } = statSync(join(folder, file));
        return `${name}/${file} ${size} ${mtimeMs}`;
      });
  });
}
