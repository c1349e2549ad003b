import type { Random } from "../random.ts";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Container = Json[] | { [name: string]: Json };

interface Place {
  readonly container: Container;
  readonly key: string | number;
}

/** A HIR file with one to three random changes: to its text, or to the tree that it holds. */
export function changedText(text: string, random: Random): string {
  if (random.chance(0.1)) return changedCharacters(text, random);
  const tree = JSON.parse(text) as Container;
  for (let count = random.pick([1, 1, 1, 2, 3]); count > 0; count--) changeSomewhere(tree, random);
  return JSON.stringify(tree);
}

function changedCharacters(text: string, random: Random): string {
  const at = random.below(text.length);
  switch (random.below(3)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + String.fromCharCode(random.between(32, 126)) + text.slice(at + 1);
    default:
      return text.slice(0, at) + text.slice(at + random.between(1, 40));
  }
}

/** Mostly a leaf: what is left then often is a module, and a wrong one would have to be noticed further on. */
function changeSomewhere(tree: Container, random: Random): void {
  const places = placesOf(tree);
  const leaf = random.chance(0.7);
  const candidates = places.filter(({ container, key }) => leaf === isLeaf(read(container, key)));
  const { container, key } = random.pick(candidates);
  const value = read(container, key);
  switch (leaf ? random.below(4) : random.between(3, 6)) {
    case 0:
    case 1:
    case 2:
      write(container, key, changedValue(value, places, key, random));
      return;
    case 3:
      write(container, key, structuredClone(sameRole(places, key, value, random) ?? value));
      return;
    case 4:
      remove(container, key);
      return;
    case 5:
      if (Array.isArray(container)) container.splice(Number(key), 0, structuredClone(value));
      return;
    default: {
      const other = random.pick(places);
      write(container, key, structuredClone(read(other.container, other.key)));
    }
  }
}

function isLeaf(value: Json): boolean {
  return typeof value !== "object" || value === null;
}

function placesOf(tree: Container): readonly Place[] {
  const found: Place[] = [];
  const visit = (container: Container): void => {
    for (const key of Array.isArray(container) ? container.keys() : Object.keys(container)) {
      const value = read(container, key);
      // Positions in the source have no meaning that could go wrong.
      if (key === "at" || key === "sources") continue;
      found.push({ container, key });
      if (typeof value === "object" && value !== null) visit(value);
    }
  };
  visit(tree);
  return found;
}

/** Another value that stands under this name, of the same type of node if there is one. */
function sameRole(places: readonly Place[], key: string | number, value: Json, random: Random): Json | undefined {
  const same = places.map(({ container, key: at }) => (at === key ? read(container, at) : undefined));
  const found = same.filter((one) => one !== undefined);
  const alike = found.filter((one) => kindOf(one) === kindOf(value));
  if (found.length === 0) return undefined;
  return random.pick(alike.length > 1 && random.chance(0.6) ? alike : found);
}

function kindOf(value: Json): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value["kind"] ?? null) : typeof value;
}

function changedValue(value: Json, places: readonly Place[], key: string | number, random: Random): Json {
  switch (typeof value) {
    case "number":
      return random.pick([
        0,
        1,
        -1,
        value + 1,
        value - 1,
        value * 2,
        255,
        65536,
        2 ** 31,
        2 ** 32,
        0.5,
        random.below(20),
      ]);
    case "boolean":
      return !value;
    case "string":
      if (/^-?\d+$/.test(value))
        return String(BigInt.asIntN(65, random.interesting(64)) * (random.chance(0.2) ? -1n : 1n));
      return structuredClone(sameRole(places, key, value, random) ?? "");
    default:
      return random.pick<Json>([null, [], {}, 0, "", true]);
  }
}

function read(container: Container, key: string | number): Json {
  return (container as Record<string | number, Json>)[key] ?? null;
}

function write(container: Container, key: string | number, value: Json): void {
  (container as Record<string | number, Json>)[key] = value;
}

function remove(container: Container, key: string | number): void {
  if (Array.isArray(container)) container.splice(Number(key), 1);
  else delete container[key];
}
