import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { writeModule } from "../../compiler/hir/serialise.ts";
import { type JsonSchema, settingsSchema } from "../../compiler/hir/settings-schema.ts";
import type { MapDeclaration, Module } from "../../compiler/hir/tree.ts";
import { IovisorError } from "../../errors.ts";
import type { HostSide } from "../host/host-side.ts";
import type { TableColumn } from "../host/table-view.ts";
import { compileSource } from "../source.ts";
import type { GraphFunction } from "../visor/function.ts";
import type { FunctionDescription, TableColumnDescription, TableDescription } from "./description.ts";
import { hostFailure } from "./host-failure.ts";
import { type HostModule, loadHostModule } from "./host-module.ts";
import { schemaChecker } from "./json-schema.ts";
import { kernelConfigCheck } from "./kernel-settings.ts";
import { packageFolder } from "./package-folder.ts";

/** A function with what people may know of it. */
export interface CataloguedFunction extends GraphFunction {
  readonly description: FunctionDescription;
  /** Where it lies. */
  readonly folder: string;
  /** Differs when a file of the host side does. */
  readonly hostFingerprint: string;
}

/** Functions by kind, and why others are not there. */
export interface LoadedFunctions {
  readonly found: ReadonlyMap<string, CataloguedFunction>;
  readonly missing: ReadonlyMap<string, string>;
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
    if (kernelFile === undefined) throw new UnknownFunction(kind, `${folder} has no kernel.ts`);
    const hostFile = hostFiles.map((name) => join(folder, name)).find((path) => existsSync(path));
    const key = JSON.stringify([kind, kernelFile, hostFile]);
    const known = this.#loaded.get(key);
    if (known?.stamp !== undefined && stampOf(known.files) === known.stamp) return known.found;
    const { module, dependencies } = await compileSource(kernelFile);
    const { host, files: hostFilesNow } = await this.#hostSide(hostFile, [...dependencies, ...(known?.files ?? [])]);
    const files = [...new Set([...dependencies, ...hostFilesNow])];
    const stamp = stampOf(files);
    const fingerprint = fingerprintOf(module, files);
    const description = describe(kind, module, host);
    if (hostFile !== undefined && !this.#builtIn.has(kind)) await refuseBadSchemas(hostFile, host);
    const place = { folder, ...(hostFile === undefined ? {} : { hostFile }) };
    const hostFingerprint = contentsOf(hostFilesNow);
    const found = { kind, module, host, fingerprint, hostFingerprint, ...place, description };
    this.#loaded.set(key, { files, stamp, found });
    return found;
  }

  /** @param files those that are known to be part of it: the host side is loaded anew when one of them changed. */
  async #hostSide(file: string | undefined, files: readonly string[]): Promise<HostModule> {
    if (file === undefined) return { host: {}, files: [] };
    return await loadHostModule(file, contentsOf([...files, file]));
  }

  /** All functions of a set of kinds. Why others are not there is for the graph's own check to say. */
  async loadAll(kinds: Iterable<string>, base: string): Promise<LoadedFunctions> {
    const found = new Map<string, CataloguedFunction>();
    const missing = new Map<string, string>();
    for (const kind of new Set(kinds)) {
      try {
        found.set(kind, await this.load(kind, base));
      } catch (error) {
        if (!(error instanceof UnknownFunction)) throw error;
        missing.set(kind, error.why);
      }
    }
    return { found, missing };
  }

  #folderOf(kind: string, base: string): string {
    const known = this.#builtIn.get(kind);
    if (known !== undefined) return known;
    if (/^\.{0,2}\//.test(kind)) {
      const folder = resolve(base, kind);
      if (existsSync(folder)) return folder;
      throw new UnknownFunction(kind, `${folder} is not there`);
    }
    const folder = packageFolder(kind, base);
    if (folder !== undefined) return folder;
    const why = `it is none of ${this.builtIn.join(", ") || "those built in"}, and no npm package that ${base} can see`;
    throw new UnknownFunction(kind, why);
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

/** No function of that kind is there. */
class UnknownFunction extends IovisorError {
  override readonly name = "UnknownFunction";
  readonly why: string;

  constructor(kind: string, why: string) {
    const remedy = "name a built-in function, a folder (./NAME) with a kernel.ts, or an npm package that has one";
    super("E_USAGE", `there is no function of kind "${kind}": ${why}`, remedy);
    this.why = why;
  }
}

/** Differs when the kernel module, the host side or a file of either does. */
function fingerprintOf(module: Module, files: readonly string[]): string {
  return createHash("sha256").update(writeModule(module)).update(contentsOf(files)).digest("base64url").slice(0, 22);
}

/** Differs when one of the files does. */
function contentsOf(files: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of [...new Set(files)].sort()) hash.update(file).update(existsSync(file) ? readFileSync(file) : "");
  return hash.digest("base64url").slice(0, 22);
}

async function refuseBadSchemas(file: string, host: HostSide): Promise<void> {
  for (const name of ["configSchema", "portSchema"] as const) {
    const schema = host[name];
    if (schema === undefined) continue;
    try {
      (await schemaChecker())(schema as JsonSchema)({});
    } catch (error) {
      throw hostFailure(file, `${name} is no JSON Schema`, error);
    }
  }
}

function describe(kind: string, module: Module, host: HostSide): FunctionDescription {
  const declared = module.interface?.ports;
  const ports = host.portSchema === undefined ? {} : { settings: host.portSchema as JsonSchema };
  const computed = new Set(host.computedSettings);
  const open = { name: module.name, settings: module.settings.filter(({ name }) => !computed.has(name)) };
  const own = settingsSchema(open);
  const settings = host.configSchema ? mergeSchemas(own, host.configSchema as JsonSchema) : own;
  return {
    kind,
    title: host.title ?? kind,
    description: host.description ?? "",
    settings,
    ...(host.configSchema ? {} : { checkConfig: kernelConfigCheck(open) }),
    ports:
      declared?.kind === "dynamic"
        ? { kind: "dynamic", maximum: declared.maximum, ...ports }
        : { kind: "fixed", names: declared?.names ?? [], ...ports },
    tables: { ...Object.fromEntries(module.maps.flatMap((map) => tableOf(map, host))), ...liveTableOf(host) },
    dropReasons: named(module.interface?.dropReasons),
    puntReasons: named(module.interface?.puntReasons),
  };
}

function tableOf(map: MapDeclaration, host: HostSide): readonly (readonly [string, TableDescription])[] {
  const view = host.tableViews?.find((one) => one.map === map.name);
  if (!map.key || (map.display?.kind === "hidden" && !view)) return [];
  const filled = host.configurationTables?.includes(map.name) ?? false;
  const description = view?.title ?? map.display?.title ?? "";
  const columns = view && { columns: described(view.columns) };
  return [[map.name, { description, holds: filled ? "configuration" : "state", ...columns }]];
}

function liveTableOf({ live }: HostSide): Readonly<Record<string, TableDescription>> {
  if (!live?.table) return {};
  const { name, title, columns } = live.table;
  return { [name]: { description: title, holds: "configuration", columns: described(columns) } };
}

function described(columns: readonly TableColumn[]): readonly TableColumnDescription[] {
  return columns.map(({ name, title, type, key = false, computed = false }) => ({ name, title, type, key, computed }));
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
