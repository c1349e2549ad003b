import { IovisorError } from "../../errors.ts";

/** Keys and indices that lead from the top of a graph's document to a place in it. */
export type Path = readonly (string | number)[];

/** What a check found. `at` says which of the two the finding is about; the value unless it says otherwise. */
export interface Finding {
  readonly path: Path;
  readonly at?: "key";
  readonly message: string;
  readonly remedy: string;
}

export interface Position {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

/** A finding for people and programs. */
export interface Problem extends Partial<Position> {
  /** JSON pointer (RFC 6901), "" for the whole document. */
  readonly path: string;
  /** The same for people: `links[3]`, `functions.sw1.ports.lan1`. */
  readonly place: string;
  readonly message: string;
  readonly remedy: string;
}

/** Finds where a path, or the part of it that there is, stands in a text. */
export type Locate = (path: Path, at: "key" | "value") => Position;

export function problemOf({ path, at, message, remedy }: Finding, locate?: Locate): Problem {
  const position = locate?.(path, at ?? "value");
  return { path: pointerOf(path), place: placeOf(path), ...position, message, remedy };
}

function pointerOf(path: Path): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The keys of a JSON pointer. What looks like a number is taken for an index of a list. */
export function pathOf(pointer: string): Path {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((key) => (/^\d+$/.test(key) ? Number(key) : key));
}

export function placeOf(path: Path): string {
  return path
    .map((key, index) => {
      if (typeof key === "number") return `[${key}]`;
      if (!/^[a-zA-Z_][\w-]*$/.test(key)) return `[${JSON.stringify(key)}]`;
      return index === 0 ? key : `.${key}`;
    })
    .join("");
}

/** A graph was refused. It carries all problems, those of a text in its order; the message has one line each. */
export class GraphError extends IovisorError {
  override readonly name = "GraphError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[], file?: string) {
    const lines = [...new Set(problems.map((problem) => formatProblem(problem, file)))];
    const [first] = problems;
    if (lines.length === 1) super("E_GRAPH", lines[0]!, first!.remedy);
    else
      super(
        "E_GRAPH",
        `the graph has ${lines.length} errors\n${lines.join("\n")}`,
        "mend the places that the lines name; docs/graph.md describes the format",
      );
    this.problems = problems;
  }
}

/** One line: `net.yaml:12:5: links[3]: port 'lan9' does not exist ...`. */
export function formatProblem({ place, line, column, message }: Problem, file?: string): string {
  const position = line === undefined ? "" : `${line}:${column}: `;
  const prefix = file !== undefined ? `${file}:${position || " "}` : position && `line ${position}`;
  return `${prefix}${place ? `${place}: ` : ""}${message}`;
}

export function listed(names: Iterable<string>): string {
  return [...names].join(", ") || "none";
}
