import type { Layout } from "../../compiler/hir/layout.ts";
import type { KernelMap } from "../../kernel/maps.ts";
import { Codec } from "../codec.ts";
import type { DataPath } from "../datapath/data-path.ts";
import { type Reason, reasonsOf } from "../pipeline/reasons.ts";
import { Count, PortCounters } from "../pipeline/tables.ts";
import type { Node } from "../pipeline/topology.ts";

/** Packets and bytes of a port since it has its number. */
export interface PortCount {
  readonly inPackets: bigint;
  readonly inBytes: bigint;
  readonly outPackets: bigint;
  readonly outBytes: bigint;
}

export interface DropCount {
  readonly reason: string;
  readonly description: string;
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** Counters of one instance. */
export interface InstanceCounters {
  /** By the port's name. */
  readonly ports: Readonly<Record<string, PortCount>>;
  /** Every reason that the instance can drop for, in the order of their numbers. */
  readonly drops: readonly DropCount[];
}

/** An instance by the numbers that it is counted by. */
export interface Counted {
  readonly node: Pick<Node, "firstPort" | "firstReason" | "peers"> & Partial<Pick<Node, "module">>;
  readonly view: { readonly ports: readonly { readonly name: string; readonly number: number }[] };
  /** Where there is no module that says them. */
  readonly reasons?: readonly Reason[];
}

/** Where the ports of instances are in the tables. */
type Placed = ReadonlyMap<string, { readonly firstPort: number }>;

/** Reads the counters that all pipelines of a data path write; the processors' parts are added up. */
export class Counters {
  readonly #ports: CounterTable<PortCount>;
  readonly #drops: CounterTable<{ readonly packets: bigint; readonly bytes: bigint }>;

  readonly #topology: () => Placed | undefined;

  /** @param topology the live one. */
  constructor(dataPath: DataPath, topology: () => Placed | undefined) {
    this.#topology = topology;
    this.#ports = new CounterTable(dataPath.table("ports"), PortCounters);
    this.#drops = new CounterTable(dataPath.table("drops"), Count);
  }

  /** What comes in on a port that is linked to a function's is what that one sends out: it is counted there. */
  port({ node }: Pick<Counted, "node">, number: number): PortCount {
    const own = this.#ports.read(node.firstPort + number);
    const peer = node.peers[number];
    const other = peer?.kind === "port" ? this.#topology()?.get(peer.instance) : undefined;
    if (peer?.kind !== "port" || !other) return own;
    const { outPackets, outBytes } = this.#ports.read(other.firstPort + peer.port);
    return { ...own, inPackets: outPackets, inBytes: outBytes };
  }

  drops({ node, reasons }: Pick<Counted, "node" | "reasons">): readonly DropCount[] {
    const all = reasons ?? (node.module ? reasonsOf(node.module) : []);
    return all.map(({ name, description }, number) => {
      return { reason: name, description, ...this.#drops.read(node.firstReason + number) };
    });
  }

  of(instance: Counted): InstanceCounters {
    const ports = instance.view.ports.map(({ name, number }) => [name, this.port(instance, number)] as const);
    return { ports: Object.fromEntries(ports), drops: this.drops(instance) };
  }
}

/** A per-CPU array of structs of u64. */
class CounterTable<T extends object> {
  readonly #map: KernelMap;
  readonly #codec: Codec<Readonly<Record<string, bigint>>>;

  constructor(map: KernelMap, layout: Layout) {
    this.#map = map;
    this.#codec = new Codec(layout);
  }

  read(index: number): T {
    const key = new Uint8Array(4);
    new DataView(key.buffer).setUint32(0, index, true);
    const parts = (this.#map.lookupPerCpu(key) ?? []).map((part) => this.#codec.decode(part));
    const [first = this.#codec.decode(new Uint8Array(this.#codec.size)), ...rest] = parts;
    const sums = Object.entries(first).map(([name, value]) => {
      return [
        name,
        BigInt.asUintN(
          64,
          rest.reduce((sum, part) => sum + part[name]!, value),
        ),
      ] as const;
    });
    return Object.fromEntries(sums) as T;
  }
}
