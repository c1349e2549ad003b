import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { HostSide, LiveContents } from "../host/host-side.ts";
import { hostFailure } from "./host-failure.ts";

/** A host side with the files that it was made of. */
export interface HostModule {
  readonly host: HostSide;
  /** `host.ts` and the modules that it imports by relative path, sorted. */
  readonly files: readonly string[];
}

/** Marks the modules of one loading of a host side. Node keeps modules by URL: another mark makes others of them. */
const mark = "iovisor-host";

/** This program's own modules: there is one of each. */
const own = new URL("../../", import.meta.url).href;

/** The files of each loading, by its mark. */
const filesOf = new Map<string, Set<string>>();

/**
 * @param stamp differs when one of the files that are known changed
 * @throws E_HOST_SIDE
 */
export async function loadHostModule(file: string, stamp: string): Promise<HostModule> {
  install();
  const url = pathToFileURL(file);
  url.searchParams.set(mark, stamp);
  const files = filesOf.get(url.search) ?? new Set<string>();
  filesOf.set(url.search, files.add(file));
  let loaded: { readonly default?: HostSide };
  try {
    loaded = (await import(url.href)) as typeof loaded;
  } catch (error) {
    throw hostFailure(file, "cannot be loaded", error);
  }
  if (typeof loaded.default !== "object" || loaded.default === null) {
    throw hostFailure(file, "has no host side", "its default export is to be an object of type HostSide");
  }
  return { host: checkedShape(file, loaded.default), files: [...files].sort() };
}

const functions = ["check", "settings", "tables", "mapSizes", "floodGroups", "mtus", "start"] as const;
const texts = ["title", "description"] as const;

/** What no compiler has looked at: a host side runs without its types. */
function checkedShape(file: string, host: HostSide): HostSide {
  const wrong = (name: string, expected: string): never => {
    throw hostFailure(file, `${name}: expected ${expected}`, undefined);
  };
  for (const name of functions) if (!["function", "undefined"].includes(typeof host[name])) wrong(name, "a function");
  for (const name of texts) if (!["string", "undefined"].includes(typeof host[name])) wrong(name, "a text");
  for (const name of ["configurationTables", "computedSettings", "tableViews"] as const) {
    if (host[name] !== undefined && !Array.isArray(host[name])) wrong(name, "a list");
  }
  if (host.live !== undefined && !isLiveContents(host.live)) wrong("live", "arrays, a word and a function open");
  return host;
}

function isLiveContents(live: Partial<LiveContents> | null): boolean {
  if (!Array.isArray(live?.arrays) || typeof live.word !== "string" || typeof live.open !== "function") return false;
  return live.table === undefined || (typeof live.table?.name === "string" && Array.isArray(live.table.columns));
}

let installed = false;

/**
 * Relative imports of a host side are of the same loading as itself. Its TypeScript is always an ES module, whatever
 * the nearest package.json says, and its types are taken off in `node_modules` too, where Node does not do it.
 */
function install(): void {
  if (installed) return;
  installed = true;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const found = nextResolve(specifier, context);
      const parent = markOf(context.parentURL);
      if (parent === undefined || !/^\.{0,2}\//.test(specifier) || !isOther(found.url)) return found;
      const url = new URL(found.url);
      filesOf.get(parent)?.add(fileURLToPath(url));
      url.search = parent;
      return { ...found, url: url.href };
    },
    load(url, context, nextLoad) {
      if (markOf(url) === undefined || !isOther(url) || !/\.m?ts$/.test(new URL(url).pathname)) {
        return nextLoad(url, context);
      }
      const text = readFileSync(fileURLToPath(url), "utf8");
      const source = stripTypeScriptTypes(text, { mode: "strip", sourceUrl: url });
      return { format: "module", source, shortCircuit: true };
    },
  });
}

function isOther(url: string): boolean {
  return url.startsWith("file:") && !url.startsWith(own);
}

function markOf(url: string | undefined): string | undefined {
  const search = url?.startsWith("file:") ? new URL(url).search : "";
  return search.startsWith(`?${mark}=`) ? search : undefined;
}
