/** For tests: the router as a function of a graph, and networks with one in the middle. */
import { compileSource } from "../../engine/source.ts";
import type { GraphFunction } from "../../engine/visor/function.ts";
import type { Model } from "../../engine/visor/model.ts";
import { type ApplyReport, RunningGraph } from "../../engine/visor/running-graph.ts";
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

let count = 0;

/** A graph that is taken away again. */
export class TestGraph extends RunningGraph {
  constructor() {
    super(`iovtest${process.pid}r${count++}`, {
      failed: (instance, error) => {
        throw new Error(`host side of ${instance}`, { cause: error });
      },
    });
  }

  async applyModel(wanted: Model): Promise<ApplyReport> {
    return await this.apply(this.prepare(wanted));
  }

  override [Symbol.dispose](): void {
    this.detachAll();
    super[Symbol.dispose]();
    this.dataPath.pins.removeAll();
  }
}
