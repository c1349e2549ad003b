import type { Counters } from "../engine/inspect/counters.ts";
import { liveInstances } from "../engine/inspect/instances.ts";
import type { NumberedInstance } from "../engine/visor/model.ts";
import { refusalOf } from "../engine/visor/recovery.ts";
import type { Visor } from "../engine/visor/visor.ts";
import type { Callers } from "./callers.ts";
import type { Changes } from "./changes.ts";
import type { EventHub } from "./events.ts";
import type { Log } from "./log.ts";
import type { ApplyTimes } from "./metrics.ts";
import { notFound } from "./problems.ts";

/** What the resources work with. */
export interface DaemonContext {
  readonly name: string;
  readonly version: string;
  readonly visor: Visor;
  readonly changes: Changes;
  readonly counters: Counters;
  readonly events: EventHub;
  readonly times: ApplyTimes;
  readonly callers: Callers;
  readonly log: Log;
}

/** @throws E_NOT_FOUND, E_DEGRADED */
export function instanceNamed({ visor }: DaemonContext, name: string): NumberedInstance {
  const instance = liveInstances(visor).get(name);
  if (instance) return instance;
  const { degraded, graph } = visor;
  if (degraded && Object.hasOwn(graph.functions, name)) throw refusalOf(degraded);
  throw notFound(`instance "${name}"`, "`iovisor get instances` lists them");
}
