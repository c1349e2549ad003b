import { type Finding, GraphError, problemOf } from "../graph/problems.ts";
import { floods } from "../pipeline/flood.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { LinkEnd, Model, ModelDevice, NumberedModel } from "./model.ts";

/** A device's side, at a port of an instance. */
interface Outer {
  readonly side: "device" | "host";
  readonly device: ModelDevice;
  readonly instance: string;
  readonly port: string;
}

/** Functions that packets may go to from one another, with the devices around them. */
interface Part {
  readonly instances: ReadonlySet<string>;
  readonly outer: readonly Outer[];
}

/**
 * What the hooks of the devices cannot do: TCX sends packets to devices of the namespace only that they are in, and XDP
 * hands them to the stack only on the device that they came in on.
 *
 * @throws GraphError
 */
export function checkHooks(model: Model, numbered: NumberedModel): void {
  const findings = partsOf(model).flatMap((part) => [...checkNamespaces(part), ...checkHosts(part, numbered)]);
  if (findings.length > 0) throw new GraphError(findings.map((finding) => problemOf(finding)));
}

function hookOf({ side, device }: Outer): PipelineHook {
  return side === "host" ? "tcx" : device.hook;
}

function checkNamespaces({ outer }: Part): readonly Finding[] {
  const first = outer.find((one) => hookOf(one) === "tcx");
  if (!first) return [];
  return outer
    .filter(({ device }) => device.netns !== first.device.netns)
    .map((one): Finding => {
      const [here, there] = [first, one].map((end) => `'${printOuter(end)}' is in ${printNamespace(end.device)}`);
      return {
        path: ["devices", one.device.alias],
        message: `${there}, and ${here}: at TCX packets cannot go from one namespace to another`,
        remedy: 'put the devices into one namespace, or give all of them the hook "xdp"',
      };
    });
}

function checkHosts({ instances, outer }: Part, numbered: NumberedModel): readonly Finding[] {
  const entrances = outer.filter((one) => one.side === "device" && one.device.hook === "xdp");
  if (entrances.length === 0) return [];
  const hosts = outer.filter((one) => one.side === "host");
  return hosts.flatMap((host): Finding[] => {
    const path = ["devices", host.device.alias];
    const remedy = 'give the devices the hook "tcx"';
    const flooding = floods(numbered.topology.get(host.instance)!);
    if (flooding) {
      const [name, end] = [host.instance, printOuter(host)];
      const message = `'${name}' floods, and '${end}' is one of its ports: at XDP copies cannot reach the stack`;
      return [{ path, message, remedy }];
    }
    const same = entrances.some(({ device }) => device.alias === host.device.alias);
    if (same || instances.size === 0) return [];
    const [entrance] = entrances;
    const why = "at XDP the stack takes packets only on the device that they came in on";
    const message = `packets from '${printOuter(entrance!)}' cannot reach '${printOuter(host)}': ${why}`;
    return [{ path, message, remedy }];
  });
}

function printOuter({ side, device }: Outer): string {
  return `${side === "host" ? "host" : "dev"}:${device.alias}`;
}

function printNamespace({ netns }: ModelDevice): string {
  return netns === undefined ? "the visor's own namespace" : `namespace '${netns}'`;
}

/** Instances that are linked, directly or over others. */
function partsOf(model: Model): readonly Part[] {
  const part = new Map(model.instances.map(({ name }) => [name, new Set([name])]));
  const devices = new Map(model.devices.map((device) => [device.alias, device]));
  const outer: Outer[] = [];
  for (const [left, right] of model.links) {
    if (left.kind === "port" && right.kind === "port") join(part, left.instance, right.instance);
    else outer.push(...outerOf(left, right, devices), ...outerOf(right, left, devices));
  }
  return [...new Set(part.values())].map((instances) => {
    return { instances, outer: outer.filter(({ instance }) => instances.has(instance)) };
  });
}

function outerOf(end: LinkEnd, inner: LinkEnd, devices: ReadonlyMap<string, ModelDevice>): readonly Outer[] {
  if (end.kind === "port" || inner.kind !== "port") return [];
  return [{ side: end.kind, device: devices.get(end.device)!, instance: inner.instance, port: inner.port }];
}

function join(part: Map<string, Set<string>>, left: string, right: string): void {
  const [one, other] = [part.get(left)!, part.get(right)!];
  if (one === other) return;
  for (const name of other) part.set(name, one.add(name));
}
