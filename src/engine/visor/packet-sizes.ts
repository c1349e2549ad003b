/**
 * How large packets may be: functions let them out as large as they came in, but for those that tell senders what is
 * too big, as routers do. What lies between those must take the same packets.
 */
import { askHost } from "../catalogue/host-failure.ts";
import type { LinkEnd, Model, ModelDevice, NumberedModel } from "./model.ts";

type Outer = Exclude<LinkEnd, { readonly kind: "port" }>;
type Port = Extract<LinkEnd, { readonly kind: "port" }>;

/** Ends that packets of any size go between. */
export interface SizeDomain {
  readonly outer: readonly { readonly side: Outer["kind"]; readonly device: ModelDevice }[];
  /** Ports of functions that keep senders to a size. */
  readonly ports: readonly Port[];
  /** The other functions. */
  readonly through: readonly string[];
}

export function sizeDomainsOf(model: Model): readonly SizeDomain[] {
  const bounded = new Set(model.instances.flatMap((one) => (one.function.host.mtus ? [one.name] : [])));
  const keyOf = (end: LinkEnd): string => {
    if (end.kind !== "port") return `${end.kind}:${end.device}`;
    return bounded.has(end.instance) ? `${end.instance}.${end.port}` : end.instance;
  };
  const groups = new Map<string, Map<string, LinkEnd>>();
  for (const [left, right] of model.links) {
    const [one, other] = [left, right].map((end) => groups.get(keyOf(end)) ?? new Map([[keyOf(end), end]]));
    const joined = new Map([...one!, ...other!]);
    for (const key of joined.keys()) groups.set(key, joined);
  }
  return [...new Set(groups.values())].map((group) => {
    const ports = [...group.values()].filter((end) => end.kind === "port");
    return {
      outer: model.devices.flatMap((device) =>
        (["device", "host"] as const)
          .filter((side) => group.has(`${side}:${device.alias}`))
          .map((side) => ({ side, device })),
      ),
      ports: ports.filter(({ instance }) => bounded.has(instance)),
      through: ports.filter(({ instance }) => !bounded.has(instance)).map(({ instance }) => instance),
    };
  });
}

/** The largest packets that every device takes by which they may leave; undefined where no device is there. */
export function smallestMtu({ outer }: Pick<SizeDomain, "outer">): number | undefined {
  const wires = outer.filter(({ side }) => side === "device");
  const mtus = (wires.length > 0 ? wires : outer).flatMap(({ device }) => device.found?.mtu ?? []);
  return mtus.length === 0 ? undefined : Math.min(...mtus);
}

/** The same for each port, as "instance.port". */
export function mtusOfPorts(model: Model): ReadonlyMap<string, number> {
  const mtus = new Map<string, number>();
  for (const domain of sizeDomainsOf(model)) {
    const mtu = smallestMtu(domain);
    if (mtu === undefined) continue;
    for (const { instance, port } of domain.ports) mtus.set(`${instance}.${port}`, mtu);
  }
  return mtus;
}

/** What does not fit where it may go. */
export function sizeWarnings(model: Model, { instances }: Pick<NumberedModel, "instances">): readonly string[] {
  return sizeDomainsOf(model).flatMap((domain) => {
    const least = smallestMtu(domain);
    if (least === undefined) return [];
    const ports = domain.ports.flatMap(({ instance, port }): string[] => {
      const { view, model: of } = instances.get(instance)!;
      const mtu = askHost(of.function, instance, "mtus", () => of.function.host.mtus?.(view))?.[port];
      if (mtu === undefined || mtu <= least) return [];
      const small = namesOf(domain.outer, (found) => found === least);
      return [
        `${instance}.${port} sends packets of up to ${mtu} bytes, and ${small} takes ${least}: larger ones are ` +
          `dropped, and their senders are not told; set the port's "mtu" to ${least}, or leave it out`,
      ];
    });
    return [...unlike(domain, least), ...ports];
  });
}

/** Devices that are joined although one takes larger packets than another. */
function unlike({ outer, through }: SizeDomain, least: number): readonly string[] {
  const mtus = [...new Set(outer.flatMap(({ device }) => device.found?.mtu ?? []))].sort((a, b) => b - a);
  if (mtus.length < 2) return [];
  const list = mtus.map((mtu) => `${namesOf(outer, (found) => found === mtu)} ${mtu}`).join(", ");
  return [
    `${listOf(through)} ${through.length === 1 ? "joins" : "join"} devices of different MTUs (${list}): larger ` +
      `packets than ${least} bytes are dropped where they do not fit; give the devices one MTU ` +
      `(\`ip link set dev NAME mtu ${least}\`), or put a router between them`,
  ];
}

function namesOf(outer: SizeDomain["outer"], fits: (mtu: number | undefined) => boolean): string {
  return listOf([...new Set(outer.filter(({ device }) => fits(device.found?.mtu)).map(({ device }) => device.alias))]);
}

const mostNames = 4;

function listOf(names: readonly string[]): string {
  const more = names.length - mostNames;
  return names.slice(0, mostNames).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
