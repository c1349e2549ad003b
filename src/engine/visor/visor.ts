import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { IovisorError } from "../../errors.ts";
import type { CataloguedFunction, FunctionCatalogue } from "../catalogue/functions.ts";
import { graphDocument } from "../graph/canonical.ts";
import type { Change } from "../graph/changes.ts";
import { diffGraphs } from "../graph/diff.ts";
import { GraphError, type Problem } from "../graph/problems.ts";
import { readDocument } from "../graph/read.ts";
import { emptyGraph, type Graph } from "../graph/types.ts";
import { clearIntent, putJson } from "../store/records.ts";
import {
  addRevision,
  findRevision,
  listRevisions,
  type Revision,
  revisionGraph,
  settleRevision,
} from "../store/revisions.ts";
import type { Store } from "../store/store.ts";
import type { PlannedAction } from "./actions.ts";
import { examineDocument } from "./examine.ts";
import type { ModelDevice } from "./model.ts";
import { Observation, type ObserveRequest, readRequest } from "./observe.ts";
import type { Prepared } from "./prepare.ts";
import type { DataPathRecord } from "./record.ts";
import {
  type Degraded,
  degradedBy,
  intend,
  isStoreError,
  recoverStore,
  refusalOf,
  type StoreTransaction,
  untilReboot,
  visorCollection,
} from "./recovery.ts";
import { resolveGraph } from "./resolve.ts";
import type { RuleMark } from "./rule-maps.ts";
import { type ApplyReport, RunningGraph, type RunningGraphOptions } from "./running-graph.ts";

export interface VisorOptions extends RunningGraphOptions {
  /** Of the data path: where it is pinned. */
  readonly name: string;
  readonly store: Store;
  readonly functions: FunctionCatalogue;
  /** Where kinds of functions that are folders start from. */
  readonly base: string;
  /**
   * What becomes of an opening where the stored graph cannot be taken over, since a function of it is gone, for
   * example. "throw": the opening fails. "degrade": it succeeds, `degraded` says why, packets go on as they do, and an
   * apply of a graph that works ends that. "throw" when left out.
   */
  readonly broken?: "throw" | "degrade";
  /** Gets what was found or changed on devices when the apply had been answered: what its warnings are otherwise. */
  warned?(warning: string): void;
}

/** What an apply would do. */
export interface Plan {
  readonly changes: readonly Change[];
  readonly actions: readonly PlannedAction[];
  /** What it would change on devices, and what could not be made sure of. */
  readonly warnings: readonly string[];
}

export interface Applied extends ApplyReport {
  readonly revision: Revision;
  readonly changes: readonly Change[];
}

export interface ApplyOptions {
  readonly author?: string;
  readonly comment?: string;
  /** The number of the revision that the change was made for: another one in the meantime is a conflict. */
  readonly expected?: number;
}

/**
 * Keeps one graph of functions in the kernel as it is wanted: plans and applies changes, remembers revisions, and takes
 * up where a process before left off. Closing it leaves the graph at work.
 */
export class Visor implements AsyncDisposable {
  readonly running: RunningGraph;
  readonly #options: VisorOptions;
  #graph: Graph = emptyGraph;
  #revision: Revision | undefined;
  #functions: ReadonlyMap<string, CataloguedFunction> = new Map();
  #recovered: ApplyReport | undefined;
  #lost = false;
  #degraded: Degraded | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #observations = new Set<Observation>();
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(options: VisorOptions) {
    this.#options = options;
    this.running = new RunningGraph(options.name, options);
  }

  /** Opens the data path and the store, and brings them together whatever happened before. */
  static async open(options: VisorOptions): Promise<Visor> {
    const visor = new Visor(options);
    try {
      await visor.#recover();
      return visor;
    } catch (error) {
      visor.running[Symbol.dispose]();
      throw error;
    }
  }

  get graph(): Graph {
    return this.#graph;
  }

  /** The revision that is live; undefined before the first apply. */
  get revision(): Revision | undefined {
    return this.#revision;
  }

  /** What opening did to what was found in the kernel; undefined where there was no revision. */
  get recovered(): ApplyReport | undefined {
    return this.#recovered;
  }

  /** Whether packets meet a graph that the store knows nothing of: the next apply takes its place. */
  get graphIsLost(): boolean {
    return this.#lost;
  }

  /** Why the stored graph could not be taken over; undefined where it was, or another one took its place. */
  get degraded(): Degraded | undefined {
    return this.#degraded;
  }

  /** The live revision as the engine sees it; undefined while there is none, or it could not be taken over. */
  get prepared(): Prepared | undefined {
    return this.running.prepared;
  }

  get functions(): ReadonlyMap<string, CataloguedFunction> {
    return this.#functions;
  }

  get catalogue(): FunctionCatalogue {
    return this.#options.functions;
  }

  /** A graph that was checked against the functions that there are. @throws GraphError, DiagnosticsError */
  async check(graph: Graph): Promise<{
    readonly graph: Graph;
    readonly functions: ReadonlyMap<string, CataloguedFunction>;
  }> {
    const examined = await examineDocument(graphDocument(graph), graph.functions, this.#options, this.#graph);
    if (examined.problems.length > 0) throw new GraphError(examined.problems);
    return examined;
  }

  /** All that is wrong with a graph as a document. @throws DiagnosticsError, E_HOST_SIDE */
  async examine(document: object): Promise<readonly Problem[]> {
    const { functions } = readDocument(document).graph;
    return (await examineDocument(document, functions, this.#options, this.#graph)).problems;
  }

  /** What an apply of a graph would do. Nothing is touched. */
  async plan(wanted: Graph): Promise<Plan> {
    const { prepared, ...difference } = await this.#compare(wanted);
    return { ...difference, warnings: [...this.#endOfDegraded(), ...this.running.warnings(prepared)] };
  }

  /** The same without a look at the devices. */
  async difference(wanted: Graph): Promise<Omit<Plan, "warnings">> {
    const { changes, actions } = await this.#compare(wanted);
    return { changes, actions };
  }

  async #compare(wanted: Graph): Promise<Omit<Plan, "warnings"> & { readonly prepared: Prepared }> {
    const { graph, functions } = await this.check(wanted);
    const prepared = this.running.prepare(resolveGraph(graph, functions));
    const actions = [...this.running.actions(prepared), ...this.#restarts(graph, functions)];
    return { changes: diffGraphs(this.#graph, graph), actions, prepared };
  }

  #endOfDegraded(): readonly string[] {
    return this.#degraded ? ["the stored graph could not be taken over: an apply of this one ends that"] : [];
  }

  /** Instances that stay while the source of their function's host side changed. */
  #restarts(next: Graph, functions: ReadonlyMap<string, CataloguedFunction>): readonly PlannedAction[] {
    return Object.entries(next.functions)
      .filter(([name, { kind }]) => {
        const [before, after] = [this.#functions.get(kind), functions.get(kind)];
        const stays = this.#graph.functions[name]?.kind === kind && before !== undefined;
        return stays && before.hostFingerprint !== after?.hostFingerprint;
      })
      .map(([instance]) => ({ kind: "restart", instance }));
  }

  /** Makes a graph the one that is live. One apply at a time; on failure nothing has changed. */
  apply(wanted: Graph, options: ApplyOptions = {}): Promise<Applied> {
    return this.#alone(() => this.#apply(wanted, options));
  }

  /** Changes the live graph: `edit` gets the graph as it is when its turn comes. */
  edit(edit: (graph: Graph) => Graph | Promise<Graph>, options: ApplyOptions = {}): Promise<Applied> {
    return this.#alone(async () => this.#apply(await edit(this.#graph), options));
  }

  async rollback(number: number, options: ApplyOptions = {}): Promise<Applied> {
    const graph = await this.graphOf(number);
    return await this.apply(graph, { comment: `rollback to revision ${number}`, ...options });
  }

  /** Newest first. */
  async revisions(limit?: number): Promise<readonly Revision[]> {
    return await this.#options.store.transact((transaction) => listRevisions(transaction, limit));
  }

  /** The graph of a revision. @throws E_USAGE when there is none of that number */
  async graphOf(number: number): Promise<Graph> {
    return await this.#options.store.transact(async (transaction) => {
      const revision = await findRevision(transaction, number);
      if (revision) return await revisionGraph(transaction, revision);
      throw new IovisorError("E_USAGE", `there is no revision ${number}`, "`iovisor get revisions` lists them");
    });
  }

  /**
   * Looks at the devices again: those that came are attached to, those that went are let go. Undefined when all is as
   * it was; then nothing is written.
   */
  refresh(): Promise<ApplyReport | undefined> {
    return this.#alone(async () => {
      const live = this.running.prepared;
      if (!live || this.#degraded) return undefined;
      const model = resolveGraph(this.#graph, this.#functions);
      if (sameDevices(model.devices, live.model.devices) && this.running.isIntact()) return undefined;
      const prepared = this.running.prepare(model);
      const report = await this.#commitAgain(prepared);
      const late = await this.#finish();
      return { ...report, warnings: [...report.warnings, ...late] };
    });
  }

  /**
   * Tries once more to take over the stored graph. Undefined where that was done.
   *
   * @throws what is still in the way
   */
  resume(): Promise<ApplyReport | undefined> {
    return this.#alone(async () => {
      if (!this.#degraded) return undefined;
      const { since } = this.#degraded;
      try {
        const report = await this.#takeOver();
        this.#wentWell();
        return report;
      } catch (error) {
        this.#degraded = degradedBy(error, since);
        throw error;
      }
    });
  }

  #wentWell(): void {
    this.#lost = false;
    this.#degraded = undefined;
    for (const listener of this.#listeners) listener();
  }

  /** Reads what belongs to the live revision while no apply is under way. */
  read<T>(look: () => T): Promise<T> {
    return this.#alone(async () => look());
  }

  /** Calls back after every apply: what the graph names may be other devices. */
  onApply(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /**
   * Looks at packets as they pass functions. The pipelines concerned get other programs for as long; nothing is lost by
   * that, and it is no revision.
   *
   * @throws E_USAGE, E_BUSY
   */
  observe(request: ObserveRequest): Promise<Observation> {
    return this.#alone(async () => {
      if (this.#degraded) throw refusalOf(this.#degraded);
      if (!this.running.prepared) {
        throw new IovisorError("E_USAGE", "there is no graph whose packets could be seen", "apply one first");
      }
      const { taps } = this.running;
      const tap = taps.open(readRequest(request, this.running.prepared));
      try {
        await this.#again();
      } catch (error) {
        taps.remove(tap);
        tap[Symbol.dispose]();
        throw error;
      }
      const end = (): Promise<void> =>
        this.#alone(async () => {
          this.#observations.delete(observation);
          taps.remove(tap);
          // After a teardown nothing is left to take it out of.
          if (!this.running.prepared) return;
          await this.#again();
          for (const warning of await this.#finish()) this.#options.warned?.(warning);
        });
      const observation = new Observation(tap, () => this.running.prepared, end);
      this.#observations.add(observation);
      return observation;
    });
  }

  /** Applies the live graph once more, to what the machine is now and to whoever looks at packets. */
  async #again(): Promise<ApplyReport> {
    return await this.#commitAgain(this.running.prepare(resolveGraph(this.#graph, this.#functions)));
  }

  /** Commits the live graph once more. Host sides that fail at that are started again later: the graph is as it was. */
  async #commitAgain(prepared: Prepared): Promise<ApplyReport> {
    const intended = (record: DataPathRecord, rules?: RuleMark): Promise<void> => this.#intend(record, rules);
    const report = await this.running.apply(prepared, intended, "retry");
    await this.#recordOrRevert(undefined);
    return report;
  }

  /** Takes the graph off the machine. The store keeps its revisions. */
  async teardown(): Promise<void> {
    await this.#alone(async () => {
      this.running.detachAll();
      await this.#options.store.transact(async (transaction) => {
        await transaction.delete(visorCollection, "datapath");
      });
      this.running.dataPath.pins.removeAll();
      this.#degraded = undefined;
    });
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** What does not keep packets from the new revision: what was replaced is cleared away, devices are looked after. */
  async #finish(): Promise<readonly string[]> {
    return await this.running.mendDevices(async (record) => {
      await this.#options.store.transact((transaction) => putJson(transaction, visorCollection, "datapath", record));
    });
  }

  /** The same when the caller of an apply has been told: it waits for packets under way. */
  #finishSoon(): void {
    void this.#alone(async () => {
      await setImmediate();
      try {
        for (const warning of await this.#finish()) this.#options.warned?.(warning);
      } catch (error) {
        this.#options.failed?.(this.#options.name, error);
      }
    });
  }

  async #apply(wanted: Graph, options: ApplyOptions): Promise<Applied> {
    this.#refuseConflict(options.expected);
    const { graph, functions } = await this.check(wanted);
    const changes = diffGraphs(this.#graph, graph);
    const prepared = this.running.prepare(resolveGraph(graph, functions));
    const { author = "", comment = "" } = options;
    const add = (transaction: StoreTransaction): Promise<Revision> =>
      addRevision(transaction, graph, { author, comment, time: new Date() });
    let revision: Revision | undefined;
    let report: ApplyReport;
    let committed: Revision | undefined;
    try {
      report = await this.running.apply(prepared, async (record, rules) => {
        revision = await this.#options.store.transact(async (transaction) => {
          const added = await add(transaction);
          await intend(transaction, { record, rules, revision: added.number });
          return added;
        }, untilReboot);
      });
      committed = await this.#recordOrRevert(revision?.number);
    } catch (error) {
      await this.#failed(revision, add, error);
      throw error;
    }
    this.#graph = graph;
    this.#functions = functions;
    this.#revision = committed!;
    this.#finishSoon();
    this.#wentWell();
    return { ...report, revision: this.#revision, changes };
  }

  /** A revision that the store does not take is none: packets meet the one before again. */
  async #recordOrRevert(revision: number | undefined): Promise<Revision | undefined> {
    try {
      return await this.#committed(revision);
    } catch (error) {
      this.running.revert();
      throw error;
    }
  }

  #refuseConflict(expected: number | undefined): void {
    const now = this.#revision?.number ?? 0;
    if (expected === undefined || expected === now) return;
    throw new IovisorError(
      "E_CONFLICT",
      `the graph is at revision ${now}, the change was made for revision ${expected}`,
      "look at the graph as it is now, and make the change again",
    );
  }

  /** Right before the commit: the next record beside the live one. */
  async #intend(record: DataPathRecord, rules: RuleMark | undefined): Promise<void> {
    await this.#options.store.transact(
      (transaction) => intend(transaction, { record, rules, revision: 0 }),
      untilReboot,
    );
  }

  /** Right after the commit: the next record is the live one. */
  async #committed(revision: number | undefined): Promise<Revision | undefined> {
    return await this.#options.store.transact(async (transaction) => {
      await putJson(transaction, visorCollection, "datapath", this.running.record);
      await transaction.delete(visorCollection, "next");
      await clearIntent(transaction);
      return revision ? await settleRevision(transaction, revision, { state: "committed" }) : undefined;
    });
  }

  async #failed(
    revision: Revision | undefined,
    add: (transaction: StoreTransaction) => Promise<Revision>,
    error: unknown,
  ): Promise<void> {
    const reason = error instanceof Error ? error.message : String(error);
    const noted = this.#options.store.transact(async (transaction) => {
      await clearIntent(transaction);
      await transaction.delete(visorCollection, "next");
      const { number } = revision ?? (await add(transaction));
      await settleRevision(transaction, number, { state: "failed", reason });
    });
    // Where it is the store that fails, its first error says why.
    await noted.catch((failure: unknown) => {
      if (!isStoreError(error)) throw failure;
    });
  }

  /** Brings store and kernel together. After a reboot nothing is in the kernel: the last revision is applied again. */
  async #recover(): Promise<void> {
    const { dataPath } = this.running;
    const { revision, graph, record } = await recoverStore(this.#options.store, dataPath);
    if (!revision || !graph) {
      // In generation 0 packets meet nothing. Else a graph is at work that the store has lost: it stays until the next
      // apply, which takes its place.
      if (dataPath.generation.value === 0) this.running.clear();
      else this.#lost = true;
      return;
    }
    this.#graph = graph;
    this.#revision = revision;
    if (record) this.running.hold(record);
    try {
      this.#recovered = await this.#takeOver();
    } catch (error) {
      if (this.#options.broken !== "degrade" || isStoreError(error)) throw error;
      this.#degraded = degradedBy(error, new Date());
    }
  }

  /** What is as it should be is left alone; what changed while nobody was here is put right. */
  async #takeOver(): Promise<ApplyReport> {
    const { graph, functions } = await this.check(this.#graph);
    const model = resolveGraph(graph, functions);
    this.running.adopt(model);
    const report = await this.#commitAgain(this.running.prepare(model));
    this.#graph = graph;
    this.#functions = functions;
    await this.#finish();
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#observations].map((observation) => observation.stop()));
    await this.#queue;
    this.running[Symbol.dispose]();
  }
}

function sameDevices(left: readonly ModelDevice[], right: readonly ModelDevice[]): boolean {
  return isDeepStrictEqual(left, right);
}
