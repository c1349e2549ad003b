import type { Module } from "../../compiler/hir/tree.ts";

/** Why packets are dropped by the graph itself, whatever the function. Numbered behind the function's own reasons. */
export const graphReasons = [
  { name: "unlinked", description: "it was forwarded to a port that is not linked" },
  { name: "noPort", description: "it came in on a port that the function does not have" },
  { name: "tooManyHops", description: "it went through more functions than a packet may" },
  { name: "puntsFull", description: "the queue to the host side was full" },
  { name: "noGroup", description: "it was flooded to a group without members" },
  { name: "otherHost", description: "at XDP a packet reaches the host only on the device that it came in on" },
  { name: "failed", description: "the kernel could not copy or change it" },
] as const;

export type GraphReason = (typeof graphReasons)[number]["name"];

export interface Reason {
  readonly name: string;
  readonly description: string;
}

/** All drop reasons of an instance of a module, by number: "unspecified", its own, then the graph's. */
export function reasonsOf(module: Module): readonly Reason[] {
  const own = module.interface?.dropReasons ?? [];
  return [{ name: "unspecified", description: "the function gave no reason" }, ...own, ...graphReasons];
}

/** The number of a reason of the graph in an instance of a module. */
export function graphReason(module: Module, name: GraphReason): number {
  const own = module.interface?.dropReasons.length ?? 0;
  return 1 + own + graphReasons.findIndex((reason) => reason.name === name);
}
