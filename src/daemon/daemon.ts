import { existsSync, readFileSync, readlinkSync } from "node:fs";
import type { RequestListener } from "node:http";
import { join, resolve } from "node:path";
import { FunctionCatalogue } from "../engine/catalogue/functions.ts";
import { Pins } from "../engine/datapath/pins.ts";
import { makeFolder, systemReason } from "../engine/files.ts";
import { Counters } from "../engine/inspect/counters.ts";
import { SqliteStore } from "../engine/store/sqlite.ts";
import { DeviceWatcher } from "../engine/visor/device-watcher.ts";
import { Visor } from "../engine/visor/visor.ts";
import { IovisorError } from "../errors.ts";
import { builtInFunctions } from "../functions/table.ts";
import { DEFAULT_BPFFS, ensureBpffs, isOnBpffs } from "../kernel/bpffs.ts";
import { DirectoryLock } from "../kernel/directory-lock.ts";
import { makeApp } from "./app.ts";
import { Callers } from "./callers.ts";
import { Changes } from "./changes.ts";
import { EventHub } from "./events.ts";
import { type Listener, listenLocal, listenNetwork } from "./listen.ts";
import type { Log } from "./log.ts";
import { ApplyTimes } from "./metrics.ts";
import { TakeOver } from "./take-over.ts";
import { WarmUp } from "./warm-up.ts";

export interface DaemonOptions {
  /** Of the data path. */
  readonly name: string;
  /** Folder of the stores; also where npm packages of functions are looked for. */
  readonly state: string;
  readonly socket: string;
  readonly group?: string | undefined;
  readonly network?: NetworkOptions | undefined;
  /** Takes the data path off the machine at the end. */
  readonly teardown: boolean;
  readonly log: Log;
}

export interface NetworkOptions {
  readonly host: string;
  readonly port: number;
  readonly certificate: string;
  readonly key: string;
  readonly token: string;
}

/** A visor with its interfaces. Closing it leaves the data path at work, unless it is to be torn down. */
export class Daemon implements AsyncDisposable {
  /** Where it listens. */
  readonly addresses: readonly string[];
  readonly #stack: AsyncDisposableStack;

  private constructor(addresses: readonly string[], stack: AsyncDisposableStack) {
    this.addresses = addresses;
    this.#stack = stack;
  }

  /** @throws E_BUSY when another daemon has the data path or the socket */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const { name, log } = options;
    await using stack = new AsyncDisposableStack();
    const isNew = !existsSync(new Pins(name).folder);
    stack.use(lockDataPath(name, log));
    let visor: Visor | undefined;
    // A start that fails before there was a graph leaves nothing.
    let started = false;
    stack.defer(() => {
      if (isNew && !started && visor?.revision === undefined) new Pins(name).removeAll();
    });
    stack.use(lockStore(options.state, name));
    const events = new EventHub();
    visor = await openVisor(options, events, stack);
    stack.use(watchDevices(visor, events, log));
    stack.use(new TakeOver(visor, events, log));
    const times = new ApplyTimes();
    const changes = stack.use(new Changes(visor, events, times));
    const callers = new Callers(options.network?.token);
    const app = await makeApp({
      ...{ name, version: packageVersion(), visor, changes, events, times, callers, log },
      counters: new Counters(visor.running.dataPath, () => placesOf(visor)),
    });
    stack.defer(() => app.close());
    const failed = (error: unknown) => log.warn({ error }, "compiling for practice failed");
    const warmUp = stack.use(new WarmUp({ compile: () => visor.running.rehearse(), failed }));
    const handle: RequestListener = (request, response) => {
      warmUp.postpone();
      app.routing(request, response);
    };
    const addresses: string[] = [];
    for (const listener of await listeners(options, handle, callers, stack)) addresses.push(listener.address);
    // Streams of events never end by themselves: servers wait for them.
    stack.defer(() => events.close());
    log.info({ name, revision: visor.revision?.number ?? 0, listening: addresses }, "the daemon is at work");
    started = true;
    return new Daemon(addresses, stack.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

function lockDataPath(name: string, log: Log): DirectoryLock {
  const mounted = isOnBpffs(DEFAULT_BPFFS);
  ensureBpffs();
  if (!mounted && hasOwnMounts()) {
    log.warn(`what is pinned goes with this daemon: ${DEFAULT_BPFFS} was mounted for its mount namespace alone`);
  }
  const { folder } = new Pins(name);
  const lock = permitted(folder, "run as root", () => DirectoryLock.take(folder));
  if (lock) return lock;
  throw new IovisorError("E_BUSY", `another daemon works on the data path "${name}"`, anotherName);
}

const anotherName = "end it first, or give this one another --name";

/** Pins are seen in one mount namespace, a store in many: `ip netns exec` makes a new one each time. */
function lockStore(state: string, name: string): DirectoryLock {
  const folder = join(state, `${name}.lock`);
  const lock = permitted(state, "give --state a folder that can be made and written", () => {
    makeFolder(resolve(state), 0o700);
    return DirectoryLock.take(folder);
  });
  if (lock) return lock;
  throw new IovisorError("E_BUSY", `another daemon works on the store ${join(state, `${name}.db`)}`, anotherName);
}

/** Whether the process that started this one sees other mounts. */
function hasOwnMounts(): boolean {
  try {
    return readlinkSync("/proc/self/ns/mnt") !== readlinkSync(`/proc/${process.ppid}/ns/mnt`);
  } catch {
    return false; // it is gone, or somebody else's
  }
}

/** A folder that cannot be made or read is not this program's fault. */
function permitted<T>(folder: string, remedy: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (cause instanceof IovisorError || code === undefined) throw cause;
    const kind = code === "EACCES" || code === "EPERM" ? "E_PERMISSION" : "E_USAGE";
    throw new IovisorError(kind, `${folder} cannot be used: ${systemReason(cause)}`, remedy, { cause });
  }
}

async function openVisor(options: DaemonOptions, events: EventHub, stack: AsyncDisposableStack): Promise<Visor> {
  const { name, state, log } = options;
  const store = stack.use(await SqliteStore.open(join(state, `${name}.db`)));
  const visor = stack.use(
    await Visor.open({
      ...{ name, store, base: state, functions: new FunctionCatalogue(builtInFunctions), broken: "degrade" },
      report: ({ instance, event }) => events.publish("report", event, instance),
      warned: (warning) => {
        log.warn(warning);
        events.publish("warning", { message: warning });
      },
      failed: (instance, error, untold = 0) => {
        const more = untold > 0 ? { untold } : {};
        log.warn({ error, instance, ...more }, "a host side failed");
        events.publish("failure", { what: "host side", message: messageOf(error), ...more }, instance);
      },
      recovered: (instance) => {
        log.info({ instance }, "a host side runs again");
        events.publish("recovery", { what: "host side" }, instance);
      },
    }),
  );
  if (visor.graphIsLost) {
    log.warn("packets meet a graph that the store has lost: it stays until the next apply, which takes its place");
  }
  for (const [map, reason] of visor.recovered?.renewed ?? []) log.warn({ map, reason }, "a map lost its state");
  stack.defer(async () => {
    if (options.teardown) await visor.teardown();
  });
  return visor;
}

/** Where instances are counted, also while their functions could not be taken over. */
function placesOf({ prepared, running }: Visor): ReadonlyMap<string, { readonly firstPort: number }> {
  return prepared?.numbered.topology ?? new Map(Object.entries(running.record.identities.instances));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function watchDevices(visor: Visor, events: EventHub, log: Log): DeviceWatcher {
  return new DeviceWatcher(visor, {
    refreshed: ({ warnings }) => {
      for (const warning of warnings) log.warn(warning);
      const found = (visor.prepared?.model.devices ?? []).map(({ alias, name, netns, found: device }) => {
        return { alias, name, ...(netns === undefined ? {} : { netns }), present: device !== undefined };
      });
      log.info({ devices: found }, "devices changed");
      events.publish("devices", { devices: found });
    },
    failed: (error) => {
      log.warn({ error }, "the data path could not follow the devices");
      events.publish("failure", { what: "devices", message: String(error) });
    },
  });
}

async function listeners(
  { socket, group, network }: DaemonOptions,
  handle: RequestListener,
  callers: Callers,
  stack: AsyncDisposableStack,
): Promise<readonly Listener[]> {
  const opened: Listener[] = [await listenLocal(socket, group, handle, callers)];
  stack.defer(() => opened[0]!.close());
  if (!network) return opened;
  const { certificate, key } = network;
  const remote = await listenNetwork(network, { certificate, key }, handle, callers);
  stack.defer(() => remote.close());
  return [...opened, remote];
}

function packageVersion(): string {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
