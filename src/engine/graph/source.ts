import type { Document, LineCounter, Node } from "yaml";
import type { Finding, Locate, Path, Position } from "./problems.ts";

export type TextFormat = "json" | "yaml";

/** The value that a text holds, with a way to find its parts again. */
export interface Source {
  readonly value: unknown;
  readonly locate: Locate;
  /** Findings of the syntax, placed by offset. When there are any, the value means nothing. */
  readonly faults: readonly (Finding & Position)[];
}

/**
 * Reads JSON or YAML 1.2. A JSON text is read as YAML too, for positions and for keys that stand twice, which
 * JSON.parse does not see; its value is JSON.parse's.
 */
export async function readSource(text: string, format: TextFormat): Promise<Source> {
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  try {
    return parsed(yaml, text, format, lines);
  } catch (error) {
    if (!isStackOverflow(error)) throw error;
    return { value: undefined, locate: () => ({ line: 1, column: 1 }), faults: [tooDeep(lines, 0)] };
  }
}

/** Both parsers recurse: what no graph comes near to ends their stack. */
function isStackOverflow(error: unknown): boolean {
  return /call stack size exceeded|stack overflow/i.test((error as Error).message);
}

function tooDeep(lines: LineCounter, offset: number): Finding & Position {
  return fault(lines, offset, "lists and objects are nested too deeply to be read", "make it flat");
}

function parsed(yaml: typeof import("yaml"), text: string, format: TextFormat, lines: LineCounter): Source {
  // The core schema also where a %YAML 1.1 directive stands: `yes` and `0777` mean the same in every graph.
  const document = yaml.parseDocument(text, { lineCounter: lines, schema: "core", prettyErrors: false });
  const locate = (path: Path, at: "key" | "value"): Position =>
    positionAt(lines, offsetOf(yaml, document, path, at) ?? 0);
  const read = format === "json" ? readJson(text, lines) : readYaml(document, lines);
  if (read.faults.length > 0) return { value: undefined, locate, faults: read.faults };
  const twice = document.errors.filter((error) => error.code === "DUPLICATE_KEY");
  const faults = twice.map((error) => duplicate(text, error.pos, lines));
  return { value: read.value, locate, faults };
}

interface Read {
  readonly value?: unknown;
  readonly faults: readonly (Finding & Position)[];
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return line === 0 ? { line: 1, column: 1 } : { line, column: col };
}

function fault(lines: LineCounter, offset: number, message: string, remedy: string): Finding & Position {
  return { path: [], ...positionAt(lines, offset), message, remedy };
}

function duplicate(text: string, [start]: readonly [number, number], lines: LineCounter): Finding & Position {
  const key = /^(?:"(?<quoted>(?:\\.|[^"\\])*)"|(?<plain>[\w-]+))/.exec(text.slice(start, start + 80))?.groups;
  const name = key?.["quoted"] ?? key?.["plain"];
  const message = name === undefined ? "a key stands twice in one object" : `the key '${name}' stands twice`;
  return fault(lines, start, message, "give each a name of its own, or remove one");
}

function readJson(text: string, lines: LineCounter): Read {
  try {
    return { value: JSON.parse(text), faults: [] };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // V8 names the position in most of its messages; the others are about the end of the text.
    const offset = Number(/at position (?<offset>\d+)/.exec(error.message)?.groups?.["offset"] ?? text.length);
    const message = error.message.replace(/,? ?(?:\.\.\..*|".*" is not valid JSON$)|(?: in JSON)? at position.*/s, "");
    return { faults: [fault(lines, offset, `not JSON: ${lowerFirst(message)}`, "mend the syntax of JSON there")] };
  }
}

function readYaml(document: Document, lines: LineCounter): Read {
  const errors = [...document.errors.filter((error) => error.code !== "DUPLICATE_KEY"), ...document.warnings];
  const deep = errors.find(isStackOverflow);
  if (deep) return { faults: [tooDeep(lines, deep.pos[0])] };
  if (errors.length > 0) {
    const faults = errors.map(({ code, message, pos }) => {
      const text = code === "MULTIPLE_DOCS" ? "the file holds several documents" : lowerFirst(message);
      return fault(lines, pos[0], `not YAML that a graph can use: ${text}`, "mend the syntax of YAML there");
    });
    return { faults };
  }
  try {
    return { value: document.toJS({ maxAliasCount: 100 }), faults: [] };
  } catch (error) {
    // An alias without its anchor, or aliases that multiply beyond measure.
    if (!(error instanceof ReferenceError)) throw error;
    const message = `not YAML that a graph can use: ${lowerFirst(error.message)}`;
    return { faults: [fault(lines, 0, message, "write out what the alias stands for")] };
  }
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

/** Where a path's key or value begins; of a path that ends in nothing, the innermost part that there is. */
function offsetOf(
  yaml: typeof import("yaml"),
  document: Document,
  path: Path,
  at: "key" | "value",
): number | undefined {
  let node: unknown = document.contents;
  let key: unknown;
  for (const segment of path) {
    if (yaml.isAlias(node)) node = node.resolve(document);
    if (yaml.isMap(node)) {
      const pair = node.items.find(
        (item) => String(yaml.isScalar(item.key) ? item.key.value : item.key) === String(segment),
      );
      if (!pair) break;
      key = pair.key;
      node = pair.value ?? pair.key;
    } else if (yaml.isSeq(node) && typeof segment === "number") {
      key = undefined;
      node = node.items[segment];
    } else break;
  }
  const found = at === "key" && key !== undefined ? key : node;
  return (found as Node | null | undefined)?.range?.[0] ?? undefined;
}

/** A value as YAML. */
export async function printYaml(value: unknown): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(value, { lineWidth: 120 });
}
