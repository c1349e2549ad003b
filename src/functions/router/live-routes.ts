/** The routes of a router in the arrays that packets go by, from one configuration to the next. */
import type {
  InstanceView,
  Json,
  JsonObject,
  LiveMemory,
  LiveRequest,
  LiveRow,
  LiveWriter,
  StagedContents,
} from "../../engine/host/host-side.ts";
import { IovisorError } from "../../errors.ts";
import { type Family, familyOf, parsePrefix } from "./addresses.ts";
import { changedItems } from "./changed-items.ts";
import { hopTextOf, metricOf, objects, type RouterPort, routeOf, routerPorts, routeText } from "./configuration.ts";
import { FamilyTrie } from "./family-trie.ts";
import { flowOf4, flowOf6 } from "./flow.ts";
import { bucketsOf, HopNumbers, Hops } from "./hop-numbers.ts";
import { keyOf, RouteRows, type Row } from "./route-rows.ts";
import { listRoutes, refuseKernelRoutes } from "./route-table.ts";
import { connectedRoutes, hopOf, type NextHop, rank } from "./routes.ts";
import { NoRoom, SharedMemory } from "./trie-memory.ts";

export const liveArrays = [
  ...["slots4", "nodes4", "entries4", "slots6", "nodes6", "entries6"],
  ...["defaults", "nextHops"],
] as const;

const families = [4, 6] as const;

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** What routes follow from. */
interface Wanted {
  readonly ports: readonly RouterPort[];
  /** What of the ports routes depend on. */
  readonly networks: string;
  readonly routes: readonly JsonObject[];
}

function wantedOf(instance: InstanceView): Wanted {
  const networks = JSON.stringify(
    instance.ports.map(({ name, number, config }) => [name, number, config["addresses"]]),
  );
  return { ports: routerPorts(instance), networks, routes: objects(instance.config["routes"] as Json | undefined) };
}

interface Change {
  readonly removed: readonly JsonObject[];
  readonly added: readonly JsonObject[];
}

/** Changes beyond this share of the routes cost more than to make all anew. */
const mostChanged = 1 / 16;
const fewChanges = 64;

/** The arrays with what is known of them. */
class Tables {
  readonly memory = new SharedMemory();
  readonly numbers: HopNumbers;
  readonly tries: Readonly<Record<Family, FamilyTrie>>;
  readonly arrays: LiveMemory["arrays"];

  constructor(arrays: LiveMemory["arrays"], hops: Hops) {
    this.arrays = arrays;
    this.numbers = new HopNumbers(arrays["nextHops"]!, hops, this.memory);
    const numberOf = (rows: readonly Row[]): number => this.numbers.numberOf(rows);
    const trie = (family: Family): FamilyTrie => {
      const own = (name: string): Uint32Array => words(arrays[`${name}${family}`]!);
      const defaults = words(arrays["defaults"]!)
        .subarray(family === 4 ? 0 : 2)
        .subarray(0, 2);
      const parts = { slots: own("slots"), nodes: own("nodes"), entries: own("entries"), defaults };
      return new FamilyTrie(family, parts, this.memory, numberOf);
    };
    this.tries = { 4: trie(4), 6: trie(6) };
  }
}

export class LiveRoutes implements LiveWriter {
  #wanted: Wanted = { ports: [], networks: "", routes: [] };
  #hops = new Hops();
  #rows: Record<Family, RouteRows> = { 4: new RouteRows(), 6: new RouteRows() };
  #tables: Tables | undefined;
  #version = 0;

  differs(instance: InstanceView): boolean {
    const wanted = wantedOf(instance);
    const { removed, added } = changedItems(this.#wanted.routes, wanted.routes, routeText);
    return !this.#tables || wanted.networks !== this.#wanted.networks || removed.length + added.length > 0;
  }

  stage(instance: InstanceView, { arrays, isNew }: LiveMemory): StagedContents | undefined {
    const wanted = wantedOf(instance);
    if (isNew) return this.#all(wanted, arrays);
    const known = this.#tables?.arrays["nodes4"] === arrays["nodes4"] ? this.#tables : undefined;
    if (!known || wanted.networks !== this.#wanted.networks) return undefined;
    const change = changedItems(this.#wanted.routes, wanted.routes, routeText);
    const count = change.removed.length + change.added.length;
    if (count > Math.max(fewChanges, wanted.routes.length * mostChanged)) return undefined;
    return this.#some(wanted, change, known);
  }

  /** The routes that packets go by: what the arrays were written from, which nobody else writes. */
  list(instance: InstanceView, { word, after }: LiveRequest): Iterable<LiveRow> {
    refuseKernelRoutes(instance);
    if (word !== this.#version) {
      const message = `the routes of "${instance.name}" in the kernel (version ${word}) are not those of this process`;
      throw new IovisorError("E_CONFLICT", message, "apply the graph again; nobody else may write into its maps");
    }
    return listRoutes(instance, { rows: this.#rows, hops: this.#hops, after });
  }

  /** Where packets to an address go, several where they are spread. */
  find(address: Uint8Array): readonly NextHop[] {
    const rows = this.#rows[familyOf(address)];
    for (let length = address.length * 8; length >= 0; length--) {
      const found = rows.at(outerKey(address, length));
      if (found.length > 0) return this.#hops.of(found);
    }
    return [];
  }

  /** The next hop of a packet, from its IP header on. */
  hopOf(ip: Uint8Array): NextHop | undefined {
    const isIpv4 = ip[0]! >> 4 === 4;
    const hops = this.find(isIpv4 ? ip.subarray(16, 20) : ip.subarray(24, 40));
    if (hops.length < 2) return hops[0];
    const view = new DataView(ip.buffer, ip.byteOffset, ip.byteLength);
    const spread = bucketsOf(hops);
    return spread[Number((isIpv4 ? flowOf4(view) : flowOf6(view)) % BigInt(spread.length))];
  }

  #all(wanted: Wanted, arrays: LiveMemory["arrays"]): StagedContents {
    const before = {
      wanted: this.#wanted,
      hops: this.#hops,
      rows: this.#rows,
      tables: this.#tables,
      version: this.#version,
    };
    this.#wanted = wanted;
    this.#hops = new Hops();
    this.#rows = this.#allRows(wanted);
    const tables = new Tables(arrays, this.#hops);
    const half = ++this.#version & 1;
    for (const family of families) {
      this.#rows[family].forEach("", "\u0100", (_, rows) => tables.numbers.use(rows));
      tables.tries[family].build(this.#rows[family], half);
    }
    this.#tables = tables;
    const abort = (): void => {
      this.#wanted = before.wanted;
      this.#hops = before.hops;
      this.#rows = before.rows;
      this.#tables = before.tables;
      this.#version = before.version;
    };
    return { word: this.#version, abort };
  }

  #some(wanted: Wanted, change: Change, tables: Tables): StagedContents | undefined {
    const before = this.#wanted;
    const changed = change.removed.length + change.added.length;
    if (changed === 0) {
      this.#wanted = wanted;
      return { word: this.#version, abort: () => (this.#wanted = before) };
    }
    tables.memory.reclaim();
    const half = (this.#version + 1) & 1;
    const abort = (): void => {
      // What is in the arrays besides what packets go by is no more known: the next change makes them anew.
      this.#wanted = before;
      this.#rows = this.#allRows(before);
      this.#tables = undefined;
    };
    try {
      for (const family of families) tables.tries[family].copyTo(half);
      const keys = this.#changeRows(change, wanted.ports, tables);
      for (const family of families)
        for (const key of keys[family]) tables.tries[family].refresh(this.#rows[family], key, half);
    } catch (error) {
      abort();
      if (error instanceof NoRoom) return undefined;
      throw error;
    }
    this.#wanted = wanted;
    this.#version++;
    return { word: this.#version, abort };
  }

  #changeRows(change: Change, ports: readonly RouterPort[], { numbers }: Tables): Record<Family, Set<string>> {
    const keys = { 4: new Set<string>(), 6: new Set<string>() };
    const apply = (entry: JsonObject, act: (rows: RouteRows, row: Row) => void): void => {
      const found = this.#rowOf(entry, ports);
      if (!found) return;
      const { family, row } = found;
      const rows = this.#rows[family];
      const before = rows.at(row.key);
      act(rows, row);
      numbers.use(rows.at(row.key));
      numbers.unuse(before);
      keys[family].add(row.key);
    };
    for (const entry of change.removed) apply(entry, (rows, row) => rows.remove(row));
    for (const entry of change.added) apply(entry, (rows, row) => rows.add(row));
    return keys;
  }

  #allRows({ ports, routes }: Wanted): Record<Family, RouteRows> {
    const all: Record<Family, Row[]> = { 4: [], 6: [] };
    for (const route of ports.flatMap(connectedRoutes)) {
      const hop = this.#hops.numberOf(route.hops[0]!);
      all[familyOf(route.prefix.address)].push({ key: keyOf(route.prefix), rank: rank(route), hop });
    }
    for (const entry of routes) {
      const found = this.#rowOf(entry, ports);
      if (found) all[found.family].push(found.row);
    }
    return { 4: new RouteRows(all[4]), 6: new RouteRows(all[6]) };
  }

  #rowOf(entry: JsonObject, ports: readonly RouterPort[]): { readonly family: Family; readonly row: Row } | undefined {
    const hop = this.#hops.numberOfText(hopTextOf(entry), () => hopOf(routeOf(entry)!, ports));
    if (hop === undefined) return undefined;
    const prefix = parsePrefix(String(entry["prefix"]))!;
    return { family: familyOf(prefix.address), row: { key: keyOf(prefix), rank: metricOf(entry), hop } };
  }
}

function outerKey(address: Uint8Array, length: number): string {
  const bytes = address.map((byte, index) => byte & (0xff << Math.min(8, Math.max(0, 8 * (index + 1) - length))));
  return keyOf({ address: bytes, length });
}
