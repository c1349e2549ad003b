import type { JsonSchema } from "../../compiler/hir/settings-schema.ts";

/** What is wrong with a configuration: where in it (keys and indices), and what. */
export interface ConfigProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Port 0 is the first name. `settings` is the JSON Schema of one port's configuration; without it there is none. */
export interface FixedPorts {
  readonly kind: "fixed";
  readonly names: readonly string[];
  readonly settings?: JsonSchema;
}

/** The graph names the ports; they are numbered in its order. */
export interface DynamicPorts {
  readonly kind: "dynamic";
  readonly maximum: number;
  readonly settings?: JsonSchema;
}

/** A table that people may look into. */
export interface TableDescription {
  readonly description: string;
  /** "state" is learnt from packets and kept across revisions; "configuration" is filled from the graph. */
  readonly holds: "state" | "configuration";
  /** Where the host side says how entries are shown. */
  readonly columns?: readonly TableColumnDescription[];
}

export interface TableColumnDescription {
  readonly name: string;
  readonly title: string;
  readonly type: "text" | "number" | "boolean";
  /** Part of what tells entries apart. */
  readonly key: boolean;
  /** Only shown: entries that are added leave it out. */
  readonly computed: boolean;
}

/** What graph, API, command line and documents know of a function. */
export interface FunctionDescription {
  readonly kind: string;
  readonly title: string;
  readonly description: string;
  /** JSON Schema of `config`. */
  readonly settings: JsonSchema;
  /** Judges a configuration in place of `settings`: functions whose settings are a kernel module's have it. */
  readonly checkConfig?: (config: Readonly<Record<string, unknown>>) => readonly ConfigProblem[];
  readonly ports: FixedPorts | DynamicPorts;
  readonly tables: Readonly<Record<string, TableDescription>>;
  /** What each reason means, by its name. */
  readonly dropReasons: Readonly<Record<string, string>>;
  readonly puntReasons: Readonly<Record<string, string>>;
}

/** Descriptions by the kind that a graph writes. */
export type Catalogue = ReadonlyMap<string, FunctionDescription>;
