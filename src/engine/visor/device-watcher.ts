import { existsSync, type FSWatcher, mkdirSync, statSync, watch } from "node:fs";
import { NAMESPACE_DIRECTORY, NetworkNamespace } from "../../kernel/namespaces.ts";
import { type NetworkEvent, NetworkMonitor } from "../../kernel/netlink/monitor.ts";
import { type Device, deviceOf, type Graph } from "../graph/types.ts";
import type { ApplyReport } from "./running-graph.ts";
import type { Visor } from "./visor.ts";

export interface DeviceWatcherOptions {
  /** Devices came, went or changed, and the graph follows them. */
  refreshed?(report: ApplyReport): void;
  /** The graph could not follow; it is tried again. */
  failed?(error: unknown): void;
}

/** Changes come in bursts (a device is made, named, set up): the graph follows when it is quiet for so long. */
const quietMs = 20;
/** But at the latest so long after the first of them. */
const mostMs = 200;
const firstRetryMs = 50;
const mostRetryMs = 2000;

/**
 * Lets a visor follow the devices that its graph names: they come, go, change, move to other namespaces, and their
 * namespaces come and go with them.
 */
export class DeviceWatcher implements Disposable {
  readonly #visor: Visor;
  readonly #options: DeviceWatcherOptions;
  readonly #monitors = new Map<string | undefined, WatchedNamespace>();
  readonly #follow: Disposable;
  readonly #names: FSWatcher;
  #timer: NodeJS.Timeout | undefined;
  #first = 0;
  #retry = firstRetryMs;
  #closed = false;

  constructor(visor: Visor, options: DeviceWatcherOptions = {}) {
    this.#visor = visor;
    this.#options = options;
    // Names come into the folder, which `ip netns add` would make otherwise.
    if (!existsSync(NAMESPACE_DIRECTORY)) mkdirSync(NAMESPACE_DIRECTORY, { recursive: true, mode: 0o755 });
    this.#names = watch(NAMESPACE_DIRECTORY, { persistent: false }, (_, name) => {
      if (name !== null && wantedIn(this.#visor.graph, name).length > 0) this.#soon();
    });
    this.#follow = visor.onApply(() => this.#soon());
    this.#soon();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#follow[Symbol.dispose]();
    this.#names.close();
    for (const { monitor } of this.#monitors.values()) monitor.close();
    this.#monitors.clear();
  }

  #soon(): void {
    if (this.#closed) return;
    const now = performance.now();
    if (this.#timer === undefined) this.#first = now;
    clearTimeout(this.#timer);
    this.#in(Math.max(0, Math.min(quietMs, this.#first + mostMs - now)));
  }

  #in(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#refresh();
    }, milliseconds);
    this.#timer.unref();
  }

  /** First the monitors, then the look: what changes after the look is told by a monitor. */
  async #refresh(): Promise<void> {
    try {
      this.#watchNamespaces();
      const report = await this.#visor.refresh();
      this.#retry = firstRetryMs;
      if (report) this.#options.refreshed?.(report);
    } catch (error) {
      if (this.#closed) return;
      this.#options.failed?.(error);
      if (this.#timer === undefined) {
        this.#first = performance.now();
        this.#in(this.#retry);
      }
      this.#retry = Math.min(2 * this.#retry, mostRetryMs);
    }
  }

  #watchNamespaces(): void {
    const wanted = namespacesOf(this.#visor.graph);
    for (const [name, { monitor, inode }] of this.#monitors) {
      if (wanted.has(name) && inode === inodeOf(name)) continue;
      monitor.close();
      this.#monitors.delete(name);
    }
    for (const name of wanted) {
      if (this.#monitors.has(name) || (name !== undefined && inodeOf(name) === undefined)) continue;
      using namespace = name === undefined ? undefined : NetworkNamespace.open(name);
      const monitor = new NetworkMonitor({ topics: ["link"], ...(namespace ? { namespace } : {}) });
      monitor.unref();
      this.#monitors.set(name, { monitor, inode: namespace?.inode });
      void this.#read(name, monitor);
    }
  }

  async #read(netns: string | undefined, monitor: NetworkMonitor): Promise<void> {
    for await (const event of monitor) {
      if (concerns(this.#visor, netns, event)) this.#soon();
    }
  }
}

interface WatchedNamespace {
  readonly monitor: NetworkMonitor;
  /** A namespace that is made anew under its old name is another one. */
  readonly inode: bigint | undefined;
}

function inodeOf(name: string | undefined): bigint | undefined {
  if (name === undefined) return undefined;
  return statSync(`${NAMESPACE_DIRECTORY}/${name}`, { bigint: true, throwIfNoEntry: false })?.ino;
}

function devicesOf(graph: Graph): readonly Device[] {
  const ends = graph.links.flatMap(({ from, to }) => [from, to]);
  const aliases = new Set(ends.flatMap((end) => (end.kind === "port" ? [] : [end.device])));
  return [...aliases].map((alias) => deviceOf(graph, alias));
}

function namespacesOf(graph: Graph): ReadonlySet<string | undefined> {
  return new Set(devicesOf(graph).map(({ netns }) => netns));
}

function wantedIn(graph: Graph, netns: string | undefined): readonly Device[] {
  return devicesOf(graph).filter((device) => device.netns === netns);
}

/** Whether an event is about a device that the graph names, or about one that it had found under another name. */
function concerns(visor: Visor, netns: string | undefined, event: NetworkEvent): boolean {
  if (event.kind !== "link") return true;
  const { name, index } = event.link;
  const named = wantedIn(visor.graph, netns).some((device) =>
    device.name.endsWith("*") ? name.startsWith(device.name.slice(0, -1)) : name === device.name,
  );
  const found = visor.prepared?.model.devices ?? [];
  return named || found.some((device) => device.netns === netns && device.found?.ifindex === index);
}
