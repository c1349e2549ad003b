/** A routing daemon drives the router: FRR learns routes by BGP, the kernel has them, and kernel code follows. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertMost, HostModeGraph, hostModeModel, hostModeNetwork } from "../../../test/network/host-mode.ts";
import { skipWithoutNetwork } from "../../../test/network/network.ts";
import { ping } from "../../../test/network/traffic.ts";
import type { PipelineHook } from "../../engine/pipeline/topology.ts";
import type { VirtualHost } from "../../kernel/virtual-network.ts";

const programs = "/usr/lib/frr";
const withoutFrr = existsSync(join(programs, "bgpd")) ? false : `no FRR here (${programs}/bgpd): apt-get install frr`;
const deadlineMs = 40_000;

/** zebra and bgpd on a host, with folders of their own. They end with the network. */
class Daemons {
  readonly #host: VirtualHost;
  readonly #folder: string;
  readonly #running = new Map<string, ChildProcess>();

  /** One after the other: what a speaker hears before it knows the devices from zebra it withdraws for good. */
  static async start(host: VirtualHost, folder: string, bgp: string): Promise<Daemons> {
    const daemons = new Daemons(host, folder);
    daemons.#start("zebra", "");
    const end = performance.now() + deadlineMs;
    while (!existsSync(daemons.#file("zserv.api"))) {
      if (performance.now() > end) throw new Error(`zebra did not start: ${daemons.log()}`);
      await sleep(50);
    }
    daemons.#start("bgpd", bgp);
    await sleep(1000);
    return daemons;
  }

  private constructor(host: VirtualHost, folder: string) {
    this.#host = host;
    this.#folder = join(folder, host.name);
    mkdirSync(this.#folder);
    // They give up being root.
    chmodSync(this.#folder, 0o777);
  }

  /** What they said: for a test that fails. */
  log(): string {
    return [...this.#running.keys()].map((name) => this.#logOf(name)).join("");
  }

  async stop(name: string): Promise<void> {
    const child = this.#running.get(name)!;
    const over = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await over;
  }

  #logOf(name: string): string {
    const file = this.#file(`${name}.log`);
    return existsSync(file) ? readFileSync(file, "utf8") : `${name} said nothing\n`;
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }

  #start(name: string, text: string): void {
    writeFileSync(this.#file(`${name}.conf`), `log file ${this.#file(`${name}.log`)}\n${text}`);
    const files = ["-f", this.#file(`${name}.conf`), "-i", this.#file(`${name}.pid`), "-z", this.#file("zserv.api")];
    const own = ["--vty_socket", this.#folder, "-P", "0"];
    this.#running.set(name, this.#host.spawn(join(programs, name), [...files, ...own], { stdio: "ignore" }));
  }
}

/** A neighbour of another system, by both families. */
function neighbours(
  of: readonly { readonly number: number; readonly host: number; readonly system: number }[],
): string {
  const names = of.map(({ number, host }) => [`10.0.${number}.${host}`, `2001:db8:${number}::${host}`] as const);
  const lines = of.flatMap(({ system }, index) =>
    names[index]!.flatMap((name) => [
      ` neighbor ${name} remote-as ${system}`,
      ` neighbor ${name} timers 1 3`,
      ` neighbor ${name} timers connect 1`,
    ]),
  );
  const active = names.flatMap(([four, six]) => [
    ` address-family ipv4 unicast\n  no neighbor ${six} activate\n  neighbor ${four} route-map OUT out\n exit-address-family`,
    ` address-family ipv6 unicast\n  neighbor ${six} activate\n  neighbor ${six} route-map OUT out\n exit-address-family`,
  ]);
  return [...lines, ...active].join("\n");
}

const common = " no bgp ebgp-requires-policy\n no bgp network import-check\n";

/** One that announces the network that both have; the one with `prepend` is the second choice. */
function announcing(number: number, prepend: string): string {
  const system = 65_000 + number;
  return `router bgp ${system}
 bgp router-id 10.0.${number}.2
${common}${neighbours([{ number, host: 1, system: 65_001 }])}
 address-family ipv4 unicast
  network 10.9.0.0/24
 exit-address-family
 address-family ipv6 unicast
  network 2001:db8:9::/48
 exit-address-family
route-map OUT permit 10
${prepend}`;
}

function listening(): string {
  const others = [2, 3].map((number) => ({ number, host: 2, system: 65_000 + number }));
  return `router bgp 65001
 bgp router-id 10.0.1.1
${common}${neighbours(others)}
route-map OUT permit 10
`;
}

async function untilRoutesLead(middle: VirtualHost, number: number): Promise<void> {
  const end = performance.now() + deadlineMs;
  const ways = () => ["10.9.0.1", "2001:db8:9::1"].map((to) => routeTo(middle, to));
  while (!ways().every((way) => way.includes(`dev lan${number} `))) {
    if (performance.now() > end) throw new Error(`no routes by lan${number}: ${ways().join("; ")}`);
    await sleep(200);
  }
}

function routeTo(host: VirtualHost, to: string): string {
  try {
    return host.exec("ip", ["route", "get", to]);
  } catch {
    return "none";
  }
}

for (const hook of ["tcx", "xdp"] satisfies PipelineHook[]) {
  const options = { skip: skipWithoutNetwork || withoutFrr, timeout: 120_000 };

  test(`routes that FRR learns by BGP carry traffic, and go with their speaker (${hook})`, options, async (t) => {
    using net = hostModeNetwork(hook);
    using graph = new HostModeGraph();
    const folder = mkdtempSync(join(tmpdir(), "iovisor-frr-"));
    chmodSync(folder, 0o755);
    t.after(() => rmSync(folder, { recursive: true }));
    const [a, b, c, middle] = ["a", "b", "c", "middle"].map((name) => net.host(name)) as VirtualHost[] as [
      ...[VirtualHost, VirtualHost],
      ...[VirtualHost, VirtualHost],
    ];
    for (const host of [b, c]) {
      host.exec("ip", ["address", "add", "10.9.0.1/32", "dev", "lo"]);
      host.exec("ip", ["address", "add", "2001:db8:9::1/128", "dev", "lo", "nodad"]);
    }
    await graph.applyModel(await hostModeModel(net, hook));
    const own = await Daemons.start(middle, folder, listening());
    const first = await Daemons.start(b, folder, announcing(2, ""));
    const second = await Daemons.start(c, folder, announcing(3, " set as-path prepend 65003 65003\n"));
    try {
      await untilRoutesLead(middle, 2);
      await carriesTraffic(2);
      await first.stop("bgpd");
      await untilRoutesLead(middle, 3);
      await carriesTraffic(3);
    } catch (error) {
      t.diagnostic([first, second, own].map((daemons) => daemons.log()).join("\n"));
      throw error;
    }

    async function carriesTraffic(number: number): Promise<void> {
      for (const port of ["lan1", "lan2", "lan3"]) graph.forwarded(port);
      for (const target of ["10.9.0.1", "2001:db8:9::1"])
        assert.match(await ping(a, target, "-c", "20", "-i", "0.02"), /20 received/, target);
      assertMost(graph.forwarded(`lan${number}`), 40);
      assert.equal(graph.forwarded(`lan${5 - number}`), 0);
    }
  });
}
