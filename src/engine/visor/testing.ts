/** For tests of this layer: graphs of small functions on networks of their own. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { compileClean } from "../../compiler/frontend/testing.ts";
import { findDevice } from "../../kernel/devices.ts";
import type { VirtualHost } from "../../kernel/virtual-network.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { GraphFunction } from "./function.ts";
import { hash, type LinkEnd, type Model, type ModelDevice, type ModelInstance } from "./model.ts";
import { RunningGraph } from "./running-graph.ts";

/** A function from the text of its kernel module. */
export function functionOf(kind: string, text: string, host: GraphFunction["host"] = {}): GraphFunction {
  return { kind, module: compileClean(text), host, fingerprint: hash([kind, text]) };
}

/** An instance with these ports. */
export function instance(
  name: string,
  of: GraphFunction,
  ports: readonly string[],
  config: ModelInstance["config"] = {},
): ModelInstance {
  return { name, function: of, config, ports: ports.map((port) => ({ name: port, config: {} })) };
}

/** A device of a host of a test network. */
export function deviceOf(host: VirtualHost, name: string, hook: PipelineHook): ModelDevice {
  const link = findDevice(name, host.namespace);
  const found = { name, ifindex: link.index, mac: link.address, mtu: link.mtu };
  return { alias: name, name, netns: host.namespace.name, hook, found };
}

/** "dev:lan1 -> m1.inside" */
export function links(...texts: readonly string[]): Model["links"] {
  return texts.map((text) => {
    const [left = "", right = ""] = text.split(" -> ");
    return [linkEnd(left), linkEnd(right)] as const;
  });
}

function linkEnd(text: string): LinkEnd {
  const [, side, device] = /^(dev|host):(.+)$/.exec(text) ?? [];
  if (device !== undefined) return { kind: side === "dev" ? "device" : "host", device };
  const [instance = "", port = ""] = text.split(".");
  return { kind: "port", instance, port };
}

let count = 0;
const graphName = (): string => `iovtest${process.pid}x${count++}`;

/** A graph that is taken away again, with nothing left behind. */
export class TestGraph extends RunningGraph {
  constructor() {
    super(graphName());
  }

  async applyModel(model: Model) {
    return await this.apply(this.prepare(model));
  }

  override [Symbol.dispose](): void {
    const { folder } = this.dataPath.pins;
    this.detachAll();
    super[Symbol.dispose]();
    this.dataPath.pins.removeAll();
    assert.equal(existsSync(folder), false);
  }
}
