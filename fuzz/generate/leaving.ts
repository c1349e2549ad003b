import { scalarArgument } from "./calls.ts";
import type { Context } from "./context.ts";
import { numberFor } from "./numbers.ts";
import { verdictText } from "./packets.ts";

/** A return that gives what this function or handler must give. */
export function returnText(c: Context, depth = 1): string {
  const { returns } = c.place;
  c.coverage.hit("return");
  switch (returns) {
    case "void":
      return "return;";
    case "verdict":
    case "connectVerdict":
      return `return ${verdictText(c, depth)};`;
    case "optional":
      return c.random.chance(0.5) ? "return undefined;" : `return ${numberFor(c, "u32", depth)};`;
    default:
      return `return ${scalarArgument(c, returns, depth)};`;
  }
}

/** A statement after which control is elsewhere: return, break or continue. */
export function leaveText(c: Context): string {
  const { loops, inSwitch } = c.place;
  if (loops.length === 0 || c.random.chance(0.4)) return returnText(c);
  const word = c.random.pick(["break", "continue"] as const);
  const labelled = loops.filter((label) => label !== undefined);
  if (labelled.length > 0 && c.random.chance(0.5)) {
    c.coverage.hit(`${word} with a label`);
    return `${word} ${c.random.pick(labelled)};`;
  }
  // In a switch, a plain break would end the switch only.
  if (inSwitch && word === "break") return returnText(c);
  c.coverage.hit(word);
  return `${word};`;
}
