import type { Finding, Path } from "./problems.ts";

/** Tells what was found of the shape of a document apart from what follows of that. */
export class Unread {
  readonly #paths: readonly Path[];

  constructor(findings: readonly Finding[]) {
    this.#paths = findings.map(({ path }) => path);
  }

  /** Whether a part of the document, or what holds it, could not be read as it stands. */
  has(path: Path): boolean {
    return this.#paths.some((known) => isWithin(path, known));
  }

  /**
   * Whether a finding about an instance's configuration may come of what could not be read: the same place, what lies
   * within it, or values around it, which are not what they were.
   */
  brings({ path }: Pick<Finding, "path">): boolean {
    return this.has(path) || (path.length > configDepth && this.#paths.some((known) => isWithin(known, path)));
  }
}

/** functions, the instance, config */
const configDepth = 3;

function isWithin(path: Path, outer: Path): boolean {
  return outer.length <= path.length && outer.every((key, index) => key === path[index]);
}

/** Findings in the order of the document; what it does not have comes behind what is there. */
export function inOrder<T>(document: unknown, findings: readonly T[], pathOf: (finding: T) => Path): readonly T[] {
  const keyed = findings.map((finding) => ({ finding, place: placeIn(document, pathOf(finding)) }));
  return keyed.sort((left, right) => compare(left.place, right.place)).map(({ finding }) => finding);
}

function placeIn(document: unknown, path: Path): readonly number[] {
  let value = document;
  return path.map((key) => {
    const keys = typeof value === "object" && value !== null ? Object.keys(value) : [];
    const index = keys.indexOf(String(key));
    value = index < 0 ? undefined : (value as Readonly<Record<string, unknown>>)[String(key)];
    return index < 0 ? keys.length : index;
  });
}

function compare(left: readonly number[], right: readonly number[]): number {
  const at = left.findIndex((one, index) => one !== right[index]);
  return at < 0 ? left.length - right.length : left[at]! - (right[at] ?? -1);
}
