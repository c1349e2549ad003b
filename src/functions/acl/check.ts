import type { ConfigProblem, InstanceView, JsonObject } from "../../engine/host/host-side.ts";
import { isImmutable } from "../../engine/host/immutable.ts";
import type { Sets } from "./configuration.ts";
import { BadTerm, readBlock, readRule } from "./terms.ts";

/** What the schema cannot say about a configuration. */
export function check({ config }: InstanceView): readonly ConfigProblem[] {
  const sets = (config["sets"] ?? noSets) as Sets;
  const rules = (config["rules"] ?? []) as readonly JsonObject[];
  const problems = Object.entries(sets).flatMap(([name, blocks]) =>
    blocks.flatMap((text, index) => problemOf(`config.sets.${name}[${index}]`, () => readBlock(text, ""))),
  );
  if (problems.length > 0) return problems;
  return rules.flatMap((rule, index) => {
    if (found.get(rule) === sets) return [];
    const wrong = problemOf(`config.rules[${index}]`, () => readRule(rule, sets));
    if (wrong.length === 0 && isImmutable(rule)) found.set(rule, sets);
    return wrong;
  });
}

/** Rules that were found right, with the sets that they were read with. */
const found = new WeakMap<object, Sets>();
const noSets: Sets = {};

function problemOf(path: string, read: () => unknown): readonly ConfigProblem[] {
  try {
    read();
    return [];
  } catch (error) {
    if (!(error instanceof BadTerm)) throw error;
    const { field, message, remedy } = error;
    return [{ path: field === "" ? path : `${path}.${field}`, message, remedy }];
  }
}
