import type { Terminator } from "../ir/ir.ts";
import { constantOf, type Definitions } from "./definitions.ts";
import { maximumOf } from "./maximum.ts";

type Branch = Extract<Terminator, { kind: "branch" }>;

/** Branches whose outcome follows from the greatest value of an operand, and those with both edges alike. */
export function simplifyBranch(definitions: Definitions, branch: Branch): Terminator {
  const { then, otherwise } = branch;
  if (then.block === otherwise.block && then.args.every((value, index) => value === otherwise.args[index])) {
    return { kind: "jump", to: then, at: branch.at };
  }
  const taken = outcome(definitions, branch);
  if (taken === undefined) return branch;
  return { kind: "jump", to: taken ? then : otherwise, at: branch.at };
}

function outcome(definitions: Definitions, { op, width, left, right }: Branch): boolean | undefined {
  const bound = constantOf(definitions, right);
  if (bound === undefined || width !== 64) return undefined;
  const most = maximumOf(definitions, left);
  switch (op) {
    case "ult":
      return most < bound ? true : bound === 0n ? false : undefined;
    case "ule":
      return most <= bound ? true : undefined;
    case "ugt":
      return most <= bound ? false : undefined;
    case "uge":
      return most < bound ? false : bound === 0n ? true : undefined;
    case "eq":
      return most < bound ? false : undefined;
    case "ne":
      return most < bound ? true : undefined;
    default:
      return undefined;
  }
}
