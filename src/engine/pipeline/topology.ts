import type { Module } from "../../compiler/hir/tree.ts";
import { someNode } from "../../compiler/hir/walk.ts";

/** The other end of a port's link. */
export type Peer =
  | { readonly kind: "device"; readonly device: string }
  | { readonly kind: "host"; readonly device: string }
  | { readonly kind: "port"; readonly instance: string; readonly port: number };

/** One instance of the graph as the pipelines see it. */
export interface Node {
  readonly instance: string;
  /** Its kernel module with its settings folded in. */
  readonly module: Module;
  /** Names of its ports; their numbers are their places here. */
  readonly ports: readonly string[];
  /** What each port is linked to, by number; undefined where nothing is. */
  readonly peers: readonly (Peer | undefined)[];
  /** Identity of the first port in the tables of the data path: port `n` has `firstPort + n`. */
  readonly firstPort: number;
  /** Identity of its first drop reason ("unspecified"): reason `n` has `firstReason + n`. */
  readonly firstReason: number;
  /** Identity of the instance, for punts. */
  readonly id: number;
  /** Instructions that the verifier is expected to process for it. */
  readonly work: number;
}

/** How packets reach a pipeline: the two kinds of programs cannot call each other. */
export type PipelineHook = "xdp" | "tcx";

export type Topology = ReadonlyMap<string, Node>;

export function nodeOf(topology: Topology, instance: string): Node {
  const node = topology.get(instance);
  if (!node) throw new Error(`no instance "${instance}"`);
  return node;
}

/** A port as people write it: "sw1.uplink". */
export function portName(node: Node, port: number): string {
  return `${node.instance}.${node.ports[port] ?? port}`;
}

export function usesOperation(node: Node, operation: string): boolean {
  return node.module.programs.some((program) =>
    someNode(program.body, (inner) => inner.kind === "operation" && inner.operation === operation),
  );
}
