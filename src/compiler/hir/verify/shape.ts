/**
 * Shapes: what a piece of untrusted data must look like, as values that are composed. A shape reports every property
 * that is missing, superfluous or of the wrong type; what passes may be treated as its TypeScript type.
 */
export interface Problem {
  /** Where in the module, such as `programs[0].body[2].value`. */
  readonly path: string;
  readonly message: string;
}

export interface Path {
  readonly parent: Path | undefined;
  readonly key: string | number;
}

export function under(parent: Path | undefined, key: string | number): Path {
  return { parent, key };
}

function renderPath(path: Path | undefined): string {
  const keys: (string | number)[] = [];
  for (let at = path; at; at = at.parent) keys.unshift(at.key);
  return (
    keys
      .map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`))
      .join("")
      .replace(/^\./, "") || "module"
  );
}

/** More than these help nobody. */
const maxProblems = 50;

/** Collects problems; `full` when there are enough. */
export class Report {
  readonly problems: Problem[] = [];

  get full(): boolean {
    return this.problems.length >= maxProblems;
  }

  add(path: Path | undefined, message: string): void {
    if (!this.full) this.problems.push({ path: renderPath(path), message });
  }
}

/** Limits that keep every later pass (they recurse) far from the end of the stack and from hanging. */
export const maxNodes = 200_000;
export const maxDepth = 300;

export interface ShapeContext {
  readonly report: Report;
  nodes: number;
  depth: number;
  /** Layouts and types that were checked already, with the depth and the size of their trees. */
  readonly known: Map<object, TreeSize>;
}

export interface TreeSize {
  readonly depth: number;
  readonly nodes: number;
}

export interface Shape {
  readonly check: (value: unknown, path: Path | undefined, context: ShapeContext) => void;
  readonly optional?: true;
}

function shape(expected: string, test: (value: unknown) => boolean): Shape {
  return {
    check(value, path, { report }) {
      if (!test(value)) report.add(path, `expected ${expected}, got ${describe(value)}`);
    },
  };
}

/** A short form of any value, for messages. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  return typeof value === "bigint" ? `${value}n` : String(value);
}

export const boolean = shape("true or false", (value) => typeof value === "boolean");
export const text = shape("a string", (value) => typeof value === "string");

export function isName(value: unknown): boolean {
  return typeof value === "string" && /^[\p{L}\p{N}\p{P}\p{S} ]{1,128}$/u.test(value) && !/^[#@]/.test(value);
}

/** An identifier or a kernel name: what goes into messages, BTF and file names. */
export const name = shape("a name (1 to 128 printable characters)", isName);
export const nameOrNothing = shape("a name or nothing", (value) => value === "" || isName(value));

export function integer(low: number, high: number): Shape {
  return shape(
    `an integer from ${low} to ${high}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= low && (value as number) <= high,
  );
}

export const index = integer(0, 2 ** 20);
export const position = integer(0, Number.MAX_SAFE_INTEGER);

export function wide(low: bigint, high: bigint): Shape {
  return shape(
    `an integer from ${low} to ${high}`,
    (value) => typeof value === "bigint" && value >= low && value <= high,
  );
}

export function oneOf(...allowed: readonly (string | number)[]): Shape {
  return shape(`one of ${allowed.join(", ")}`, (value) => (allowed as readonly unknown[]).includes(value));
}

export function either(expected: string, ...tests: readonly ((value: unknown) => boolean)[]): Shape {
  return shape(expected, (value) => tests.some((test) => test(value)));
}

export function optional(of: Shape): Shape {
  return { check: of.check, optional: true };
}

export function listOf(of: Shape, limit = 65536, minimum = 0): Shape {
  return {
    check(value, path, context) {
      if (!Array.isArray(value)) return context.report.add(path, `expected a list, got ${describe(value)}`);
      if (value.length > limit || value.length < minimum)
        return context.report.add(path, `expected ${minimum} to ${limit} entries, got ${value.length}`);
      for (let at = 0; at < value.length && !context.report.full; at++) of.check(value[at], under(path, at), context);
    },
  };
}

/** One shape for each property of `T`; the compiler holds the table complete. */
export type RecordShape<T> = { readonly [K in keyof Required<T>]: Shape };

export function record<T>(fields: RecordShape<T>): Shape {
  const entries = Object.entries<Shape>(fields);
  const known = new Set(Object.keys(fields));
  return {
    check(value, path, context) {
      if (typeof value !== "object" || value === null || Array.isArray(value))
        return context.report.add(path, `expected an object, got ${describe(value)}`);
      const object = value as Record<string, unknown>;
      for (const key of Object.keys(object)) {
        if (!known.has(key)) context.report.add(path, `unknown property ${describe(key)}`);
      }
      for (const [key, field] of entries) {
        const present = Object.hasOwn(object, key) && object[key] !== undefined;
        if (present) field.check(object[key], under(path, key), context);
        else if (!field.optional) context.report.add(path, `property "${key}" is missing`);
      }
    },
  };
}

/** A member of a union of objects that differ by `kind`. Counts as a node and as a level of depth. */
export function tagged(what: string, table: () => Readonly<Record<string, Shape>>): Shape {
  return {
    check(value, path, context) {
      const kind = typeof value === "object" && value !== null ? (value as { kind?: unknown }).kind : undefined;
      if (typeof kind !== "string" || !Object.hasOwn(table(), kind))
        return context.report.add(
          path,
          `expected ${what}, got ${kind === undefined ? describe(value) : describe(kind)}`,
        );
      if (++context.nodes === maxNodes) context.report.add(path, `more than ${maxNodes} nodes`);
      if (context.nodes >= maxNodes) return;
      if (context.depth >= maxDepth) return context.report.add(path, `nested more than ${maxDepth} levels deep`);
      context.depth++;
      table()[kind]!.check(value, path, context);
      context.depth--;
    },
  };
}
