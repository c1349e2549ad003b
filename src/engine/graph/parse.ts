import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { IovisorError } from "../../errors.ts";
import type { Catalogue } from "../catalogue/description.ts";
import { placeInFile } from "../stack-place.ts";
import { checkGraph } from "./check.ts";
import { checkAgainstCatalogue } from "./check-catalogue.ts";
import { inOrder } from "./follow-ups.ts";
import { type Finding, GraphError, type Locate, type Problem, problemOf } from "./problems.ts";
import { readDocument } from "./read.ts";
import { shareGraph } from "./share.ts";
import { readSource, type TextFormat } from "./source.ts";
import type { Graph } from "./types.ts";

export interface ParseOptions {
  /** Where the text came from: for messages, and `.json` is read as JSON, all else as YAML. */
  readonly path?: string;
  /** Also holds the graph against these functions. */
  readonly catalogue?: Catalogue;
  /** Why kinds that it lacks are not there. */
  readonly missing?: ReadonlyMap<string, string>;
  /** An earlier graph that this one takes the place of: what did not change is shared with it. */
  readonly previous?: Graph;
  /** More that is wrong with a graph of which something else is; asked only then. */
  readonly more?: (graph: Graph, found: readonly Finding[]) => readonly Finding[];
}

/** A document as far as it could be read, and all that is wrong with it. */
export interface Examined {
  readonly graph: Graph;
  readonly problems: readonly Problem[];
}

/** A graph's file: what it holds as it stands, where the file could be understood, and where its parts are. */
export interface ExaminedFile extends Examined {
  readonly value: unknown;
  /** Undefined for modules, whose value is computed. */
  readonly locate: Locate | undefined;
}

/** Reads a graph and says all that is wrong with it, each with its line and column when it was a text. */
export async function examineGraph(source: string | object, options: ParseOptions = {}): Promise<Examined> {
  if (typeof source !== "string") return await examineValue(source, options);
  const { graph, problems } = await examineText(source, options);
  return { graph, problems };
}

async function examineText(text: string, options: ParseOptions): Promise<ExaminedFile> {
  const format: TextFormat = extname(options.path ?? "") === ".json" ? "json" : "yaml";
  const { value, locate, faults } = await readSource(text, format);
  const placed = faults.map(({ line, column, ...finding }) => ({ ...problemOf(finding), line, column }));
  if (value === undefined) return { graph: readDocument({}).graph, problems: placed, value, locate };
  const { graph, problems } = await examineValue(value, options, locate);
  return { graph, problems: [...placed, ...problems].sort(byPosition), value, locate };
}

/** Problems of a text in its order. */
export function byPosition(a: Problem, b: Problem): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

async function examineValue(
  value: unknown,
  { catalogue, missing, previous, more }: ParseOptions,
  locate?: Locate,
): Promise<Examined> {
  const document = readDocument(value);
  const read = previous ? { ...document, graph: shareGraph(previous, document.graph) } : document;
  const findings: readonly Finding[] = [
    ...read.findings,
    ...checkGraph(read),
    ...(catalogue ? await checkAgainstCatalogue(read, catalogue, missing) : []),
  ];
  const all = findings.length > 0 && more ? [...findings, ...more(read.graph, findings)] : findings;
  const ordered = inOrder(value, all, ({ path }) => path);
  return { graph: read.graph, problems: ordered.map((finding) => problemOf(finding, locate)) };
}

/**
 * The graph that a text (JSON, YAML) or an object describes.
 *
 * @throws GraphError with all problems
 */
export async function parseGraph(source: string | object, options: ParseOptions = {}): Promise<Graph> {
  const { graph, problems } = await examineGraph(source, options);
  if (problems.length > 0) throw new GraphError(problems, options.path);
  return graph;
}

/**
 * The graph of a file: JSON, YAML, or a TypeScript or JavaScript module whose default export is the object. A module is
 * host code: it runs with the rights of this process, and once, since Node keeps modules.
 *
 * @throws GraphError; IovisorError E_USAGE when the file cannot be read or is of another kind
 */
export async function loadGraph(path: string, options: Omit<ParseOptions, "path"> = {}): Promise<Graph> {
  const { graph, problems } = await examineFile(path, options);
  if (problems.length > 0) throw new GraphError(problems, path);
  return graph;
}

/** The graph of a file with all that is wrong with it. @throws E_USAGE when the file cannot be read */
export async function examineFile(path: string, options: Omit<ParseOptions, "path"> = {}): Promise<ExaminedFile> {
  switch (extname(path)) {
    case ".json":
    case ".yaml":
    case ".yml":
      return await examineText(await textOf(path), { ...options, path });
    case ".ts":
    case ".mts":
    case ".js":
    case ".mjs": {
      const value = await defaultExport(path);
      return { ...(await examineValue(value, options)), value, locate: undefined };
    }
    default:
      throw new IovisorError(
        "E_USAGE",
        `${path}: a graph is a .json, .yaml or .ts file`,
        "give the file one of these endings",
      );
  }
}

async function textOf(path: string): Promise<string> {
  const bytes = await bytesOf(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new IovisorError("E_USAGE", `${path}: it is no text in UTF-8`, "save the file as UTF-8", { cause });
  }
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new IovisorError("E_USAGE", `${path}: cannot be read (${reason(cause)})`, "give the path of a graph's file", {
      cause,
    });
  }
}

/** Where the parts of a graph's file stand; undefined for modules, whose value is computed. */
export async function locateIn(path: string): Promise<Locate | undefined> {
  const format = textFormats[extname(path)];
  return format && (await readSource(await textOf(path), format)).locate;
}

const textFormats: Readonly<Record<string, TextFormat>> = { ".json": "json", ".yaml": "yaml", ".yml": "yaml" };

async function defaultExport(path: string): Promise<object> {
  await textOf(path); // says "cannot be read" of a missing file, as for the others
  let exported: unknown;
  try {
    exported = ((await import(pathToFileURL(resolve(path)).href)) as { readonly default?: unknown }).default;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const place = placeInFile(resolve(path), cause);
    throw new IovisorError("E_USAGE", `${path}${place}: ${message}`, "mend the file", { cause });
  }
  if (typeof exported === "object" && exported !== null) return exported;
  const message = `${path}: the default export is no object`;
  throw new IovisorError("E_USAGE", message, "write `export default { functions: { ... } }`");
}

function reason(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? String(cause);
}
