import type { BinaryExpression, BinaryOperator, Expression } from "../hir/tree.ts";
import { point } from "./interval.ts";
import type { FlowValue, State } from "./state.ts";

/**
 * Facts: ranges of things that a program reads again and again. `if (packet.length < 20) return` also says something
 * about the next `packet.length`, as does a test of a view's field about the next read of it. A fact's key starts with
 * what may change it: settings, rules and the port never change, the packet's length and its bytes with the packet,
 * local memory with any write to local memory. Live map values are never facts: another processor may write to them.
 * The tag beside the packet changes with the packet, not with its bytes; its fact is whether it is there, 0 or 1.
 * Bits that are cut out of such a thing or of a variable are one, too: the front end writes `const kind = first & 3`
 * out where `kind` is used.
 */
type Volatile = "length" | "packet" | "local" | "tag";

/** The key of what an expression reads; undefined where reading it again may give something else. */
export function factKey(node: Expression): string | undefined {
  if (node.kind === "setting") return `setting:${node.path.join(".")}`;
  if (node.kind === "operation" && node.operation === "packet.length") return "length:";
  if (node.kind === "operation" && node.operation === "packet.port") return "port:";
  if (node.kind === "operation" && (node.operation === "rule.index" || node.operation === "rule.field")) {
    const rule = placeKey(node.args[0]!);
    return rule && `${node.operation}.${node.constants?.join(".")}:${rule}`;
  }
  if (node.kind === "binary") return partKey(node);
  if (node.kind !== "load" || node.ref.type.kind !== "ref") return undefined;
  const { region } = node.ref.type;
  if (region !== "packet" && region !== "local" && region !== "constant" && region !== "context") return undefined;
  const place = placeKey(node.ref);
  return place && `${region}:${place}`;
}

const cutting: ReadonlySet<BinaryOperator> = new Set(["and", "remainder", "shiftRight", "shiftRightUnsigned"]);

/** The key of `x & 3`, `x >> 4`, `x % 10`. */
function partKey({ operator, left, right }: BinaryExpression): string | undefined {
  if (right.kind !== "constant" || !cutting.has(operator)) return undefined;
  const whole = left.kind === "local" || left.kind === "unwrap" ? placeKey(left) : undefined;
  const key = whole ? `value:${whole}` : factKey(left);
  return key && `${key} ${operator} ${right.value}`;
}

function placeKey(node: Expression): string | undefined {
  switch (node.kind) {
    case "local":
      return `%${node.local}`;
    case "unwrap":
      return placeKey(node.value);
    case "field": {
      const base = placeKey(node.base);
      return base && `${base}.${node.field}`;
    }
    case "element": {
      const base = node.index.kind === "constant" ? placeKey(node.base) : undefined;
      return base && `${base}[${node.index.kind === "constant" ? node.index.value : ""}]`;
    }
    default:
      return undefined;
  }
}

function presenceKey(node: Expression): string | undefined {
  if (node.kind !== "operation") return undefined;
  const { operation } = node;
  return operation === "packet.vlanTag" || operation === "packet.vlanProtocol" ? `tag:${operation}` : undefined;
}

/** What earlier tests said about whether it is there that an expression reads anew. */
export function knownPresence(state: State, node: Expression): FlowValue["presence"] {
  const key = presenceKey(node);
  const fact = key === undefined ? undefined : state.facts.get(key);
  if (!fact || fact.low !== fact.high) return "maybe";
  return fact.low === 1n ? "present" : "absent";
}

/** A test found out whether it is there. */
export function learnPresence(state: State, node: Expression, presence: "present" | "absent"): void {
  const key = presenceKey(node);
  if (key !== undefined) state.facts.set(key, point(presence === "present" ? 1n : 0n));
}

/** Forgets what no longer holds after a write to a region, or to all of memory. */
export function forgetFacts(state: State, ...changed: readonly Volatile[]): void {
  if (state.facts.size === 0) return;
  for (const key of state.facts.keys()) {
    if (changed.some((what) => key.startsWith(`${what}:`))) state.facts.delete(key);
  }
}

/** Forgets what is known through a local that gets another value. */
export function forgetFactsThrough(state: State, local: number): void {
  if (state.facts.size === 0) return;
  const through = `:%${local}`;
  for (const key of state.facts.keys()) {
    const at = key.indexOf(through);
    if (at >= 0 && !isDigit(key.charCodeAt(at + through.length))) state.facts.delete(key);
  }
}

/** Of a character's code; false for that of no character (NaN). */
function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
