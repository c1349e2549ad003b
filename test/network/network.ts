/**
 * Networks for tests: namespaces named after the test process (`iov<pid>x<count>-<host>`), so that `ip netns exec` can
 * look inside a hanging test, and so that what a killed one left is found and removed.
 */
import { existsSync } from "node:fs";
import { NetworkNamespace } from "../../src/kernel/namespaces.ts";
import { type NetworkPlan, VirtualNetwork } from "../../src/kernel/virtual-network.ts";

export type { NetworkPlan, VirtualHost, VirtualNetwork, WireEnd } from "../../src/kernel/virtual-network.ts";

let count = 0;
let cleaned = false;

/** Makes a network; `using` takes it down. */
export function testNetwork(plan: Omit<NetworkPlan, "prefix">): VirtualNetwork {
  if (!cleaned) removeLeftBehind();
  cleaned = true;
  return new VirtualNetwork({ ...plan, prefix: `iov${process.pid}x${count++}-` });
}

/** Two hosts and a wire: "a" with eth0 192.0.2.1/24 and 2001:db8::1/64, "b" with 192.0.2.2/24 and 2001:db8::2/64. */
export function testPair(options: { readonly ipv6?: boolean; readonly mtu?: number } = {}): VirtualNetwork {
  const end = (host: string, number: number) => ({
    host,
    device: "eth0",
    addresses: [`192.0.2.${number}/24`, ...(options.ipv6 ? [`2001:db8::${number}/64`] : [])],
    ...(options.mtu !== undefined && { mtu: options.mtu }),
  });
  return testNetwork({ wires: [[end("a", 1), end("b", 2)]] });
}

/** Removes the namespaces of test processes that are no more. */
function removeLeftBehind(): void {
  for (const name of NetworkNamespace.list()) {
    const pid = /^iov(\d+)x/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) NetworkNamespace.delete(name);
  }
}

function tryNetwork(): string | false {
  try {
    using _network = new VirtualNetwork({
      wires: [
        [
          { host: "a", device: "eth0" },
          { host: "b", device: "eth0" },
        ],
      ],
    });
    return false;
  } catch (error) {
    return `no virtual networks here: ${(error as Error).message}`;
  }
}

/** For `test(..., { skip })`: false where networks can be made, else the reason. */
export const skipWithoutNetwork: string | false = tryNetwork();
