import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { writeModule } from "../../compiler/hir/serialise.ts";
import { type JsonSchema, settingsSchema } from "../../compiler/hir/settings-schema.ts";
import type { MapDeclaration, Module } from "../../compiler/hir/tree.ts";
import { IovisorError } from "../../errors.ts";
import type { HostSide } from "../host/host-side.ts";
import { compileSource } from "../source.ts";
import type { GraphFunction } from "../visor/function.ts";
import type { FunctionDescription, TableDescription } from "./description.ts";
import { kernelConfigCheck } from "./kernel-settings.ts";

/** A function with what people may know of it. */
export interface CataloguedFunction extends GraphFunction {
  readonly description: FunctionDescription;
  /** Where it lies. */
  readonly folder: string;
}

/** The file of a function's kernel side; compiled HIR is taken before source. */
const kernelFiles = ["kernel.hir.json", "kernel.ts"] as const;
const hostFiles = ["host.ts", "host.js"] as const;

/**
 * Finds functions by the kind that graphs name: built-in ones by name, others as a folder or an npm package. A folder
 * holds `kernel.ts`, the kernel module, and perhaps `host.ts`, whose default export is the host side.
 */
export class FunctionCatalogue {
  readonly #builtIn: ReadonlyMap<string, string>;
  readonly #loaded = new Map<string, Loaded>();

  /** @param builtIn folders by name. */
  constructor(builtIn: Readonly<Record<string, string | URL>>) {
    this.#builtIn = new Map(
      Object.entries(builtIn).map(([name, folder]) => [
        name,
        resolve(typeof folder === "string" ? folder : fileURLToPath(folder)),
      ]),
    );
  }

  get builtIn(): readonly string[] {
    return [...this.#builtIn.keys()];
  }

  /**
   * @param base the folder that relative kinds start from: that of the graph's file.
   * @throws E_USAGE when there is no such function, DiagnosticsError when its kernel module is refused
   */
  async load(kind: string, base: string): Promise<CataloguedFunction> {
    const folder = this.#folderOf(kind, base);
    const kernelFile = kernelFiles.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (kernelFile === undefined) throw unknown(kind, `${folder} has no kernel.ts`);
    const hostFile = hostFiles.map((name) => join(folder, name)).find((path) => existsSync(path));
    const key = JSON.stringify([kind, kernelFile, hostFile]);
    const known = this.#loaded.get(key);
    if (known?.stamp !== undefined && stampOf(known.files) === known.stamp) return known.found;
    const { module, dependencies } = await compileSource(kernelFile);
    const files = [...dependencies, ...(hostFile ? [hostFile] : [])];
    const stamp = stampOf(files);
    const fingerprint = fingerprintOf(module, files);
    const host = hostFile ? await hostSideOf(hostFile, fingerprint) : {};
    const found = { kind, module, host, fingerprint, folder, description: describe(kind, module, host) };
    this.#loaded.set(key, { files, stamp, found });
    return found;
  }

  /** All functions of a set of kinds; those that are not there are left out, for the graph's own check to name. */
  async loadAll(kinds: Iterable<string>, base: string): Promise<ReadonlyMap<string, CataloguedFunction>> {
    const found = new Map<string, CataloguedFunction>();
    for (const kind of new Set(kinds)) {
      if (this.#knows(kind, base)) found.set(kind, await this.load(kind, base));
    }
    return found;
  }

  #knows(kind: string, base: string): boolean {
    try {
      this.#folderOf(kind, base);
      return true;
    } catch {
      return false;
    }
  }

  #folderOf(kind: string, base: string): string {
    const known = this.#builtIn.get(kind);
    if (known !== undefined) return known;
    if (/^\.{0,2}\//.test(kind)) {
      const folder = resolve(base, kind);
      if (existsSync(folder)) return folder;
      throw unknown(kind, `${folder} is not there`);
    }
    try {
      return dirname(createRequire(join(base, "graph.js")).resolve(`${kind}/package.json`));
    } catch {
      throw unknown(kind, `it is none of ${this.builtIn.join(", ")}, and no npm package that ${base} can see`);
    }
  }
}

/** A function as it was loaded, good as long as its files are what they were. */
interface Loaded {
  readonly files: readonly string[];
  readonly stamp: string | undefined;
  readonly found: CataloguedFunction;
}

/** A file that was written less long ago may be written again without another time. */
const settledMilliseconds = 100;

/** What tells files from what they were, without reading them; undefined where that cannot be told. */
function stampOf(files: readonly string[]): string | undefined {
  const stats = files.map((file) => statSync(file, { bigint: true, throwIfNoEntry: false }));
  const latest = Date.now() - settledMilliseconds;
  if (stats.some((stat) => !stat || Number(stat.ctimeMs) > latest)) return undefined;
  return stats.map((stat) => [stat!.dev, stat!.ino, stat!.size, stat!.mtimeNs, stat!.ctimeNs].join()).join(" ");
}

function unknown(kind: string, why: string): IovisorError {
  const remedy = "name a built-in function, a folder (./NAME) with a kernel.ts, or an npm package that has one";
  return new IovisorError("E_USAGE", `there is no function of kind "${kind}": ${why}`, remedy);
}

/** Differs when the kernel module, the host side or a file of either does. */
function fingerprintOf(module: Module, files: readonly string[]): string {
  const hash = createHash("sha256").update(writeModule(module));
  for (const file of files) hash.update(file).update(readFileSync(file));
  return hash.digest("base64url").slice(0, 22);
}

/** Node keeps modules: the fingerprint makes another one of a file that changed. */
async function hostSideOf(file: string, fingerprint: string): Promise<HostSide> {
  const url = `${pathToFileURL(file).href}?${fingerprint}`;
  const { default: host } = (await import(url)) as { readonly default?: HostSide };
  if (typeof host === "object" && host !== null) return host;
  throw new IovisorError("E_USAGE", `${file} has no host side`, "export an object of type HostSide as its default");
}

function describe(kind: string, module: Module, host: HostSide): FunctionDescription {
  const declared = module.interface?.ports;
  const ports = host.portSchema === undefined ? {} : { settings: host.portSchema as JsonSchema };
  const own = settingsSchema(module);
  const settings = host.configSchema ? mergeSchemas(own, host.configSchema as JsonSchema) : own;
  return {
    kind,
    title: host.title ?? kind,
    description: host.description ?? "",
    settings,
    ...(host.configSchema ? {} : { checkConfig: kernelConfigCheck(module) }),
    ports:
      declared?.kind === "dynamic"
        ? { kind: "dynamic", maximum: declared.maximum, ...ports }
        : { kind: "fixed", names: declared?.names ?? [], ...ports },
    tables: Object.fromEntries(module.maps.flatMap((map) => tableOf(map, host))),
    dropReasons: named(module.interface?.dropReasons),
    puntReasons: named(module.interface?.puntReasons),
  };
}

function tableOf(map: MapDeclaration, host: HostSide): readonly (readonly [string, TableDescription])[] {
  if (!map.key || map.display?.kind === "hidden") return [];
  const filled = host.configurationTables?.includes(map.name) ?? false;
  return [[map.name, { description: map.display?.title ?? "", holds: filled ? "configuration" : "state" }]];
}

function named(
  reasons: readonly { readonly name: string; readonly description: string }[] = [],
): Readonly<Record<string, string>> {
  return Object.fromEntries(reasons.map(({ name, description }) => [name, description]));
}

/** What the kernel module takes and what the host side takes, side by side; the host side has the say about its own. */
function mergeSchemas(kernel: JsonSchema, host: JsonSchema): JsonSchema {
  const properties = (schema: JsonSchema): object => (schema["properties"] as object | undefined) ?? {};
  return { ...kernel, ...host, properties: { ...properties(kernel), ...properties(host) } };
}
