import { IovisorError } from "../../errors.ts";
import { hirVersion, type Module } from "./tree.ts";
import { verifyModule } from "./verify.ts";

/**
 * HIR as text: JSON with two additions. `{"#": "12"}` is the bigint 12. `{"@": 3}` is the fourth entry of the file's
 * `shared` list: types and layouts stand there once, since every use of a field repeats them. An entry refers to
 * earlier entries only. The same module always gives the same text.
 */
interface File {
  readonly hir: number;
  readonly shared: readonly unknown[];
  readonly module: unknown;
}

/** The properties whose values are shared. */
const sharedProperties = new Set(["type", "layout", "of", "element", "key"]);
/** Files beyond it are refused unread. */
const maxTextLength = 64 * 2 ** 20;
/** JSON levels; a node of HIR takes at most three. */
const maxJsonDepth = 1000;
/** Values in the file, shared ones counted wherever they are used. */
const maxValues = 2 ** 24;

/** @returns the module's text; `readModule` of it gives an equal module. */
export function writeModule(module: Module): string {
  const shared: string[] = [];
  const places = new Map<string, number>();
  const known = new Map<object, string>();
  const share = (value: object): string => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const text = encode(value);
    const place = places.get(text) ?? shared.push(text) - 1;
    places.set(text, place);
    const reference = `{"@":${place}}`;
    known.set(value, reference);
    return reference;
  };
  const encodeProperty = (key: string, value: unknown): string =>
    sharedProperties.has(key) && typeof value === "object" && value !== null && !Array.isArray(value)
      ? share(value)
      : encode(value);
  const encode = (value: unknown): string => {
    if (typeof value === "bigint") return `{"#":"${value}"}`;
    if (Array.isArray(value)) return `[${value.map(encode).join(",")}]`;
    if (typeof value !== "object" || value === null) return JSON.stringify(value);
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${encodeProperty(key, inner)}`).join(",")}}`;
  };
  const text = encode(module);
  return `{"hir":${hirVersion},"shared":[\n${shared.join(",\n")}],\n"module":${text}}\n`;
}

/**
 * Reads what `writeModule` wrote and holds it against the form of HIR: a file that was damaged or made up by somebody
 * is refused, never loaded as something else. The flow checker has still to run on it.
 *
 * @throws IovisorError E_FORMAT with the place and the reason.
 */
export function readModule(text: string): Module {
  const value = parseModule(text);
  const problems = verifyModule(value);
  if (problems.length === 0) return value as Module;
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  throw malformed(`${first!.path}: ${first!.message}${more}`);
}

function malformed(reason: string): IovisorError {
  return new IovisorError(
    "E_FORMAT",
    `not a HIR file: ${reason}`,
    "make it again from its source with `iovisor build`",
  );
}

/** The value in a file, not verified. */
function parseModule(text: string): unknown {
  if (text.length > maxTextLength) throw malformed(`more than ${maxTextLength} characters`);
  let file: Partial<File> | null;
  try {
    file = JSON.parse(text);
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : "no JSON");
  }
  if (typeof file !== "object" || file === null) throw malformed("no object");
  if (file.hir !== hirVersion)
    throw malformed(`version ${JSON.stringify(file.hir)}, this is for version ${hirVersion}`);
  if (!Array.isArray(file.shared)) throw malformed("the list of shared values is missing");
  for (const key of Object.keys(file)) {
    if (key !== "hir" && key !== "shared" && key !== "module")
      throw malformed(`unknown property ${JSON.stringify(key)}`);
  }
  const decoder = new Decoder();
  for (const value of file.shared) decoder.share(value);
  return decoder.decode(file.module);
}

class Decoder {
  readonly #shared: { readonly value: unknown; readonly weight: number }[] = [];
  #values = 0;

  share(value: unknown): void {
    const before = this.#values;
    const decoded = this.decode(value);
    this.#shared.push({ value: freeze(decoded), weight: this.#values - before });
  }

  decode(value: unknown, depth = 0): unknown {
    if (depth > maxJsonDepth) throw malformed(`nested more than ${maxJsonDepth} levels deep`);
    this.#count(1);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((inner) => this.decode(inner, depth + 1));
    const keys = Object.keys(value);
    if (keys.length === 1 && keys[0] === "#") return readBigint((value as { "#": unknown })["#"]);
    if (keys.length === 1 && keys[0] === "@") return this.#reference((value as { "@": unknown })["@"]);
    // fromEntries defines properties: a key "__proto__" stays a plain, and then unknown, property.
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.decode(inner, depth + 1)]));
  }

  #reference(index: unknown): unknown {
    const entry = Number.isSafeInteger(index) ? this.#shared[index as number] : undefined;
    if (!entry) throw malformed(`no shared value ${JSON.stringify(index)}`);
    this.#count(entry.weight);
    return entry.value;
  }

  #count(values: number): void {
    this.#values += values;
    if (this.#values > maxValues) throw malformed(`more than ${maxValues} values`);
  }
}

function readBigint(digits: unknown): bigint {
  if (typeof digits !== "string" || !/^-?(0|[1-9]\d{0,39})$/.test(digits)) throw malformed("a malformed integer");
  return BigInt(digits);
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
  }
  return value;
}
