import { type FSWatcher, statSync, watch } from "node:fs";
import { NetworkNamespace } from "../../kernel/namespaces.ts";
import { NetworkMonitor } from "../../kernel/netlink/monitor.ts";
import type { ModelDevice } from "./model.ts";
import { resolveGraph } from "./resolve.ts";
import type { ApplyReport } from "./running-graph.ts";
import type { Visor } from "./visor.ts";

export interface DeviceWatchOptions {
  /** Devices of the graph came, went or changed, and the data path follows them now. */
  changed(devices: readonly ModelDevice[], report: ApplyReport | undefined): void;
  failed(error: unknown): void;
}

/** Changes come in groups: a pair of devices is made, set up and renamed in a few messages. */
const quietMilliseconds = 30;
/** After a failure: a namespace whose name is there may still be in the making. */
const retryMilliseconds = 1000;
const namespaceFolder = "/run/netns";

interface Watched {
  readonly monitor: NetworkMonitor;
  /** Of the namespace: another one may have taken its name. */
  readonly inode: number;
}

/**
 * Watches the devices of a visor's graph, and lets the visor follow those that come and go. It holds no namespace that
 * was deleted: its sockets would keep the devices in there alive.
 */
export class DeviceWatch implements Disposable {
  readonly #visor: Visor;
  readonly #options: DeviceWatchOptions;
  readonly #watched = new Map<string | undefined, Watched>();
  readonly #folder: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failing = false;
  #closed = false;

  constructor(visor: Visor, options: DeviceWatchOptions) {
    this.#visor = visor;
    this.#options = options;
    this.#folder = watchNamespaces(() => this.look());
    this.look();
  }

  /** Looks soon: after an apply the graph may name other namespaces. */
  look(after = quietMilliseconds): void {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#lookNow();
    }, after);
  }

  async #lookNow(): Promise<void> {
    try {
      this.#watchNamed();
      const { prepared, graph, functions } = this.#visor;
      if (prepared) {
        const { devices } = resolveGraph(graph, functions);
        const same = JSON.stringify(devices) === JSON.stringify(prepared.model.devices);
        if (!same) await this.#refresh();
      }
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#options.failed(error);
      this.#failing = true;
      this.look(retryMilliseconds);
    }
  }

  async #refresh(): Promise<void> {
    const report = await this.#visor.refresh();
    this.#options.changed(this.#visor.prepared?.model.devices ?? [], report);
  }

  /** Brings the monitors to the namespaces that the graph names and that are there. */
  #watchNamed(): void {
    const named = Object.values(this.#visor.graph.devices).flatMap(({ netns }) => netns ?? []);
    const wanted = new Map<string | undefined, number>([[undefined, 0]]);
    for (const name of named) {
      const inode = statSync(`${namespaceFolder}/${name}`, { throwIfNoEntry: false })?.ino;
      if (inode !== undefined) wanted.set(name, inode);
    }
    for (const [name, { monitor, inode }] of this.#watched) {
      if (wanted.get(name) === inode) continue;
      monitor.close();
      this.#watched.delete(name);
    }
    for (const [name, inode] of wanted) {
      if (this.#watched.has(name)) continue;
      using namespace = name === undefined ? undefined : NetworkNamespace.open(name);
      const monitor = new NetworkMonitor({ topics: ["link"], ...(namespace ? { namespace } : {}) });
      this.#watched.set(name, { monitor, inode });
      void this.#follow(monitor);
    }
  }

  async #follow(monitor: NetworkMonitor): Promise<void> {
    for await (const _ of monitor) this.look();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#folder?.close();
    for (const { monitor } of this.#watched.values()) monitor.close();
    this.#watched.clear();
  }
}

/** Undefined where the machine has no named namespaces yet: then no graph can name one that is there. */
function watchNamespaces(changed: () => void): FSWatcher | undefined {
  try {
    return watch(namespaceFolder, { persistent: false }, changed);
  } catch {
    return undefined;
  }
}
