/** Networks of ports that could not both be routed to. */
import type { ConfigProblem } from "../../engine/host/host-side.ts";
import type { Prefix } from "./addresses.ts";
import { addressBits, contains, familyOf, formatAddress, formatPrefix, isLinkLocal, networkOf } from "./addresses.ts";
import type { RouterPort } from "./configuration.ts";

interface OwnAddress extends Prefix {
  readonly port: string;
  readonly path: string;
}

/**
 * A network is reached by one port. One that holds another is as good as a route to it: the longer prefix decides, as
 * long as the port's own address is not in the other one. Single addresses (/32, /128) are no networks, and link-local
 * ones mean another link on each port.
 */
export function checkNetworks(ports: readonly RouterPort[]): readonly ConfigProblem[] {
  const all = ports.flatMap(({ name, addresses }) =>
    addresses.map((own, index): OwnAddress => ({ ...own, port: name, path: `ports.${name}.addresses[${index}]` })),
  );
  const networks = all.filter(({ address, length }) => {
    return length < addressBits[familyOf(address)] && !isLinkLocal(address);
  });
  return networks.flatMap((own, index) => {
    const others = networks.filter((other) => other.port !== own.port);
    const same = networks.slice(0, index).find((other) => other.port !== own.port && isSame(own, other));
    if (same) return [sameNetwork(own, same)];
    const narrower = others.find((other) => other.length > own.length && contains(other, own.address));
    return narrower ? [elsewhere(own, narrower)] : [];
  });
}

function isSame(left: Prefix, right: Prefix): boolean {
  return left.length === right.length && contains(left, right.address);
}

function sameNetwork(own: OwnAddress, other: OwnAddress): ConfigProblem {
  const network = formatPrefix({ address: networkOf(own), length: own.length });
  const message = `${network} is the network of port '${other.port}' already, and packets reach it by one port only`;
  const remedy = "give each port a network of its own; one network on both belongs on a switch in front of one port";
  return { path: own.path, message, remedy };
}

function elsewhere(own: OwnAddress, other: OwnAddress): ConfigProblem {
  const network = formatPrefix({ address: networkOf(other), length: other.length });
  const message = `${formatAddress(own.address)} is in ${network}, which is reached by port '${other.port}'`;
  const remedy = "take an address that is in no other port's network, or another length";
  return { path: own.path, message, remedy };
}
