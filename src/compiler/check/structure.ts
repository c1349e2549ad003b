import { operationNamed } from "../../language/operations.ts";
import { holdsOpaque } from "../hir/equality.ts";
import { type Layout, sizeOf } from "../hir/layout.ts";
import { mapKinds } from "../hir/map-kinds.ts";
import type { Callback, LockStatement, MapDeclaration, Module, Program, Routine } from "../hir/tree.ts";
import { childrenOf, type Node, walk } from "../hir/walk.ts";
import { type Finding, misplacedOpaque, nestedIteration, notInLock, paddedKey, wrongKind } from "./findings.ts";

/** Rules about declarations of maps: keys without padding, locks and timers where the kernel allows them. */
export function checkMaps(module: Module): readonly Finding[] {
  return module.maps.flatMap((map) => [...keyFindings(map), ...opaqueFindings(map)]);
}

function keyFindings(map: MapDeclaration): Finding[] {
  if (!map.key) return [];
  const covered = new Set<number>();
  cover(map.key, 0, covered);
  const padding = sizeOf(map.key) - covered.size;
  const findings = padding > 0 ? [paddedKey(map.at, map.name, padding)] : [];
  return holdsOpaque(map.key)
    ? [...findings, misplacedOpaque(map.at, `the key of ${map.name} holds a lock`)]
    : findings;
}

/** Adds the bytes that the parts of a layout cover. Keys are at most 512 bytes long. */
function cover(layout: Layout, start: number, covered: Set<number>): void {
  if (layout.kind === "struct" || layout.kind === "union") {
    for (const field of layout.fields) cover(field.layout, start + field.offset, covered);
  } else if (layout.kind === "array") {
    for (let index = 0; index < layout.length; index++)
      cover(layout.element, start + index * sizeOf(layout.element), covered);
  } else {
    for (let index = 0; index < sizeOf(layout); index++) covered.add(start + index);
  }
}

function opaqueFindings(map: MapDeclaration): Finding[] {
  const { value } = map;
  if (!value || !holdsOpaque(value)) return [];
  const refuse = (message: string): Finding[] => [misplacedOpaque(map.at, `${message} (${map.name})`)];
  if (value.kind !== "struct") return refuse("a lock or a timer must be a field of the value");
  const found: string[] = [];
  for (const field of value.fields) {
    if (field.layout.kind === "opaque") found.push(field.layout.what);
    else if (holdsOpaque(field.layout)) return refuse("a lock or a timer must be a direct field of the value");
  }
  if (new Set(found).size < found.length) return refuse("the value has more than one lock or timer");
  const row = mapKinds[map.kind];
  if (found.includes("spinLock") && !row.locks) return refuse(`maps of kind ${map.kind} cannot hold locks`);
  return found.includes("timer") && !row.timers ? refuse(`maps of kind ${map.kind} cannot hold timers`) : [];
}

/** Rules about where nodes stand: locks and what may be done while one is held, special maps in tracers, callbacks. */
export function checkStructure(module: Module, routine: Routine): readonly Finding[] {
  const findings: Finding[] = [];
  walk(routine.body, (node) => {
    if (node.kind === "lock") findings.push(...lockFindings(node));
    if (node.kind === "operation" && node.layout && holdsOpaque(node.layout))
      findings.push(misplacedOpaque(node.at, "a lock or a timer lives in a map's value only"));
    if (routine.kind === "element" && iteratesOver(module, node)) findings.push(nestedIteration(node.at));
  });
  return routine.kind === "tracepoint" || routine.kind === "btfTracepoint"
    ? [...findings, ...tracerFindings(module, routine)]
    : findings;
}

/** The callback that an operation runs before it comes back. */
export function iteratesOver(module: Module, node: Node): Callback | undefined {
  return node.kind === "operation" && node.operation === "map.forEach"
    ? module.callbacks[node.constants?.[0] ?? 0]
    : undefined;
}

/** What a tracing program may not do, in the callbacks that it runs too. */
function tracerFindings(module: Module, program: Program): Finding[] {
  const findings: Finding[] = [];
  const search = (body: readonly Node[], inCallback: boolean): void =>
    walk(body, (node) => {
      if (node.kind === "lock") findings.push(misplacedOpaque(node.at, "tracing programs cannot take locks"));
      if (node.kind !== "operation") return;
      const kinds = operationNamed(node.operation)?.kinds;
      if (inCallback && kinds && !kinds.includes(program.kind))
        findings.push(wrongKind(node.at, node.operation, program.kind, kinds));
      findings.push(...mapUseFindings(module, program, node));
      const callback = inCallback ? undefined : iteratesOver(module, node);
      if (callback) search(callback.body, true);
    });
  search(program.body, false);
  return findings;
}

/** check_map_prog_compatibility, kernel/bpf/verifier.c: tracepoints may not even use such a map. */
function mapUseFindings(module: Module, program: Program, node: Node & { kind: "operation" }): Finding[] {
  const map = node.map === undefined ? undefined : module.maps[node.map];
  if (program.kind !== "tracepoint" || !map?.value || !holdsOpaque(map.value)) return [];
  return [misplacedOpaque(node.at, `a tracepoint cannot use ${map.name}, whose values hold a lock or a timer`)];
}

function lockFindings(lock: LockStatement): Finding[] {
  const findings: Finding[] = [];
  const search = (nodes: readonly Node[], labels: readonly number[]): void => {
    for (const node of nodes) {
      const fault = faultInLock(node, labels);
      if (fault) findings.push(notInLock(node.at, fault));
      const inner = node.kind === "block" || node.kind === "switch" ? [...labels, node.label] : labels;
      search(childrenOf(node), inner);
    }
  };
  search(lock.body, []);
  return findings;
}

/** What is wrong with a node while a lock is held. */
function faultInLock(node: Node, labels: readonly number[]): string | undefined {
  switch (node.kind) {
    case "for":
      return "a loop";
    case "return":
      return "a return";
    case "lock":
      return "another lock";
    case "break":
    case "continue":
      return labels.includes(node.label) ? undefined : `a ${node.kind} out of the lock`;
    case "kernelField":
      return "reading kernel memory";
    case "match":
      return "matching rules";
    case "operation":
      return operationNamed(node.operation)?.helper ? `${node.operation}, which calls into the kernel,` : undefined;
    default:
      return undefined;
  }
}
