/** For tests: the router as a function of a graph, and networks with one in the middle. */
import { compileSource } from "../../engine/source.ts";
import type { GraphFunction } from "../../engine/visor/function.ts";
import host from "./host.ts";

let loaded: Promise<GraphFunction> | undefined;

export function routerFunction(): Promise<GraphFunction> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<GraphFunction> {
  const { module } = await compileSource(new URL("kernel.ts", import.meta.url).pathname);
  return { kind: "router", module, host, fingerprint: "router" };
}
