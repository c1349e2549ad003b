import { renderChanges } from "../engine/graph/render.ts";
import type { Graph } from "../engine/graph/types.ts";
import type { Revision } from "../engine/store/revisions.ts";
import type { Applied, Visor } from "../engine/visor/visor.ts";
import { IovisorError } from "../errors.ts";
import type { EventHub } from "./events.ts";
import type { ApplyTimes } from "./metrics.ts";

export interface ChangeRequest {
  readonly author: string;
  readonly comment?: string | undefined;
  /** Throws when the change was made for another revision than the live one. */
  precondition(revision: Revision | undefined): void;
}

/** What came of a request to change the graph. */
export type Outcome = { readonly revision: Revision; readonly seconds: number } & (
  | { readonly changed: true; readonly applied: Applied }
  /** The graph was like that already: there is no new revision. */
  | { readonly changed: false; readonly kept: readonly string[] }
);

/** All changes of the graph that requests make: one at a time, each against the graph that the one before left. */
export class Changes implements AsyncDisposable {
  readonly #visor: Visor;
  readonly #events: EventHub;
  readonly #times: ApplyTimes;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(visor: Visor, events: EventHub, times: ApplyTimes) {
    this.#visor = visor;
    this.#events = events;
    this.#times = times;
  }

  /** Makes a graph of the live one, and applies it. */
  make(next: (graph: Graph) => Graph | Promise<Graph>, request: ChangeRequest): Promise<Outcome> {
    const result = this.#queue.then(() => this.#make(next, request));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #make(next: (graph: Graph) => Graph | Promise<Graph>, request: ChangeRequest): Promise<Outcome> {
    const started = performance.now();
    const { revision } = this.#visor;
    request.precondition(revision);
    const graph = await next(this.#visor.graph);
    const { changes, actions } = await this.#visor.difference(graph);
    const idle = changes.length === 0 && actions.every(({ kind }) => kind === "keep" || kind === "await");
    if (revision && idle && !this.#visor.degraded) {
      const kept = actions.flatMap((action) => (action.kind === "keep" ? action.pipeline : []));
      return { changed: false, revision, kept, seconds: (performance.now() - started) / 1000 };
    }
    const { author, comment = "" } = request;
    const applied = await this.#apply(graph, { author, comment, expected: revision?.number ?? 0 });
    const seconds = (performance.now() - started) / 1000;
    this.#times.add(seconds);
    this.#events.publish("revision", { ...applied.revision, text: renderChanges(applied.changes) });
    return { changed: true, revision: applied.revision, applied, seconds };
  }

  async #apply(graph: Graph, options: Parameters<Visor["apply"]>[1]): Promise<Applied> {
    try {
      return await this.#visor.apply(graph, options);
    } catch (error) {
      this.#times.failed++;
      const code = error instanceof IovisorError ? error.code : "E_UNEXPECTED";
      const message = error instanceof Error ? error.message : String(error);
      this.#events.publish("failure", { what: "apply", code, message });
      throw error;
    }
  }

  /** Returns when no change is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue;
  }
}
