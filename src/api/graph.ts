import { Type } from "typebox";
import { type Data, name, object, oneOf, openObject } from "./schema.ts";

export const Device = object({
  name: Type.String({ description: "the kernel's name; with a * at its end every device whose name begins so" }),
  netns: Type.Optional(Type.String({ description: "a namespace of `ip netns`; the daemon's own without" })),
  hook: Type.Optional(oneOf(["auto", "xdp", "tcx"])),
});

export const Instance = object({
  kind: Type.String({ description: "a built-in function, the absolute path of a folder, or an npm package" }),
  config: Type.Optional(openObject("as the function's schema says")),
  ports: Type.Optional(Type.Record(Type.String(), openObject("configuration of the port"))),
});

/** The graph as people write it (docs/graph.md). */
export const Graph = object({
  functions: Type.Optional(Type.Record(Type.String(), Instance)),
  devices: Type.Optional(Type.Record(Type.String(), Device)),
  links: Type.Optional(Type.Array(Type.String({ description: "dev:eth0 -> fw.outside" }))),
});
export type GraphDocument = Data<typeof Graph>;

export const NewPort = object({
  name: Type.Optional(Type.String()),
  link: Type.Optional(Type.String({ description: "the other end of its link" })),
  settings: Type.Optional(openObject("configuration of the port")),
});

const kind = <Kind extends string>(value: Kind) => Type.Literal(value);

/** What `POST /v1/graph/edits` takes, by its kind. */
export const edits = {
  createInstance: object({
    kind: kind("createInstance"),
    name: Type.String(),
    function: Type.String({ description: "the kind of the new function" }),
    config: Type.Optional(openObject("as the function's schema says")),
    ports: Type.Optional(Type.Array(NewPort)),
  }),
  deleteInstance: object({ kind: kind("deleteInstance"), name: Type.String() }),
  editInstance: object({
    kind: kind("editInstance"),
    name: Type.String(),
    config: openObject("members replace those of the same name; null removes one"),
    replace: Type.Optional(Type.Boolean({ description: "replaces the whole configuration" })),
  }),
  addPort: object({ kind: kind("addPort"), name: Type.String(), port: NewPort }),
  removePort: object({ kind: kind("removePort"), name: Type.String(), port: Type.String() }),
  editPort: object({
    kind: kind("editPort"),
    name: Type.String(),
    port: Type.String(),
    settings: openObject("members replace those of the same name; null removes one"),
  }),
  setDevice: object({ kind: kind("setDevice"), name: Type.String(), device: Device }),
  removeDevice: object({ kind: kind("removeDevice"), name: Type.String() }),
  link: object({ kind: kind("link"), from: Type.String(), to: Type.String() }),
  unlink: object({ kind: kind("unlink"), from: Type.String(), to: Type.Optional(Type.String()) }),
} as const;

export const Edit = Type.Union(Object.values(edits));
export type Edit = Data<(typeof edits)[keyof typeof edits]>;

export const mostEdits = 1000;
export const Edits = object({
  edits: Type.Array(Edit, { minItems: 1, maxItems: mostEdits, description: "made in this order, as one change" }),
  comment: Type.Optional(Type.String({ maxLength: 1000 })),
});
export type Edits = Data<typeof Edits>;

export const ApplyRequest = object({
  graph: Graph,
  comment: Type.Optional(Type.String({ maxLength: 1000 })),
  expected: Type.Optional(
    Type.Integer({ minimum: 0, description: "the revision that the graph was made for; another one is a conflict" }),
  ),
});
export type ApplyRequest = Data<typeof ApplyRequest>;

/** One difference of two graphs; what else it holds depends on its kind. */
export const Change = Type.Object({ kind: Type.String() }, { description: "instanceAdded, linkRemoved and so on" });

export const Action = object({
  kind: oneOf(["load", "keep", "unload", "attach", "detach", "restart", "await"]),
  instance: Type.Optional(name("whose host side starts anew")),
  pipeline: Type.Optional(Type.String()),
  functions: Type.Optional(Type.Array(name("an instance"))),
  hook: Type.Optional(Type.String()),
  device: Type.Optional(Type.String()),
  netns: Type.Optional(Type.String()),
});

export const Plan = object({
  changes: Type.Array(Change),
  actions: Type.Array(Action),
  warnings: Type.Array(Type.String({ description: "what is done to devices, or had better be done" })),
  text: Type.String({ description: "all of it for people, a line each" }),
});
export type Plan = Data<typeof Plan>;

export const Revision = object({
  number: Type.Integer({ minimum: 1 }),
  time: Type.String({ description: "ISO 8601, UTC" }),
  hash: Type.String({ description: "SHA-256 of the graph's canonical text" }),
  author: Type.String(),
  comment: Type.String(),
  state: oneOf(["prepared", "committed", "failed"]),
  reason: Type.Optional(Type.String({ description: "why it failed" })),
});
export type Revision = Data<typeof Revision>;

export const Applied = object({
  changed: Type.Boolean({ description: "false when there was nothing to do: then there is no new revision" }),
  revision: Revision,
  changes: Type.Array(Change),
  text: Type.String({ description: "the changes for people" }),
  loaded: Type.Array(Type.String({ description: "a pipeline" })),
  kept: Type.Array(Type.String({ description: "a pipeline" })),
  renewed: Type.Record(Type.String(), Type.String(), {
    description: "tables (INSTANCE.TABLE) whose contents were lost because their layout changed, with the reason",
  }),
  warnings: Type.Array(Type.String({ description: "what was done to devices, or had better be done" })),
  seconds: Type.Number(),
});
export type Applied = Data<typeof Applied>;

export const Revisions = object({
  live: Type.Integer({ minimum: 0, description: "the revision that runs; 0 before the first" }),
  revisions: Type.Array(Revision, { description: "newest first" }),
});
export type Revisions = Data<typeof Revisions>;

export const RollbackRequest = object({ comment: Type.Optional(Type.String({ maxLength: 1000 })) });
