import { edits } from "./edits.ts";
import { events } from "./events.ts";
import { functions } from "./functions.ts";
import { graph } from "./graph.ts";
import { instances } from "./instances.ts";
import { machine } from "./machine.ts";
import { observe } from "./observe.ts";
import { pipelines } from "./pipelines.ts";
import type { Resource } from "./resource.ts";
import { revisions } from "./revisions.ts";
import { tables } from "./tables.ts";

/** All resources: a new one is a file beside this one and a line here. */
export const resources: readonly Resource[] = [
  graph,
  edits,
  revisions,
  functions,
  instances,
  tables,
  pipelines,
  machine,
  events,
  observe,
];
