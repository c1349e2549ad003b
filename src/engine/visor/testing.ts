/** For tests of this layer: graphs of small functions on networks of their own. */
import { compileClean } from "../../compiler/frontend/testing.ts";
import { findDevice } from "../../kernel/devices.ts";
import type { VirtualHost } from "../../kernel/virtual-network.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { GraphFunction } from "./function.ts";
import { hash, type LinkEnd, type Model, type ModelDevice, type ModelInstance } from "./model.ts";

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
