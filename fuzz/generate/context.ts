import type { Random } from "../random.ts";
import type { Coverage } from "./coverage.ts";
import type { Declarations, MapDeclaration, ValueType } from "./declarations.ts";
import type { Narrow, Range, Wide } from "./integers.ts";
import type { Layout } from "./layouts.ts";

/** A name in scope and what is known of it. */
export type Variable =
  | NumberVariable
  | WideVariable
  | BoolVariable
  | ReferenceVariable
  | OptionalVariable
  | HiddenVariable;

/** A name that is of no use here: tsc knows that it is undefined. */
export interface HiddenVariable {
  readonly kind: "hidden";
  readonly name: string;
}

export interface NumberVariable {
  readonly kind: "number";
  readonly name: string;
  readonly range: Range;
  readonly brand: Narrow | undefined;
  readonly mutable: boolean;
}

export interface WideVariable {
  readonly kind: "wide";
  readonly name: string;
  readonly type: Wide;
  readonly mutable: boolean;
}

export interface BoolVariable {
  readonly kind: "bool";
  readonly name: string;
  readonly mutable: boolean;
}

/** A view, a live map value or a local struct; of a scalar layout, its value is in `.value`. */
export interface ReferenceVariable {
  readonly kind: "ref";
  readonly name: string;
  readonly layout: Layout;
  readonly region: "packet" | "map" | "local";
  readonly map?: MapDeclaration;
  /** Of the packet, or of all maps, when it was made; used in that epoch only. */
  readonly epoch: number;
}

/** A variable that may be undefined, and what it is when it is not. */
export interface OptionalVariable {
  readonly kind: "optional";
  readonly name: string;
  readonly present: NumberVariable | WideVariable | BoolVariable | ReferenceVariable;
}

export type Returns = ValueType | "void" | "verdict" | "connectVerdict" | "optional";

/** What the code that is being generated may do at this place. */
export interface Place {
  /** Statements may change maps and the packet's size. */
  readonly effects: boolean;
  /** Inside a lock: only memory and arithmetic. */
  readonly locked: boolean;
  readonly packet: string | undefined;
  readonly returns: Returns;
  /** Labels of the loops around, innermost last; undefined for those without a label. */
  readonly loops: readonly (string | undefined)[];
  /** Inside a switch, where a plain break means the switch. */
  readonly inSwitch: boolean;
  /** Functions may be called: not by a callback, which would be inside of a function already. */
  readonly calls: boolean;
  /** Product of the rounds of the loops around. */
  readonly rounds: number;
}

/** The state of generating one module. */
export class Context {
  readonly random: Random;
  readonly coverage: Coverage;
  readonly declarations: Declarations = {
    structs: [],
    enums: [],
    maps: [],
    settings: [],
    functions: [],
    constants: [],
    lists: [],
    timers: [],
  };
  readonly lines: string[] = [];
  place: Place;
  /** Statements that may still be made. */
  statements = 0;
  /** Bytes of local storage that may still be used. */
  storage = 160;
  /** Tracing programs lack some clocks. */
  tracing = false;
  /** Settings that were compared with one of their names, variables with a number: tsc remembers what that says. */
  readonly compared = new Set<string>();
  packetEpoch = 0;
  mapEpoch = 0;
  #variables: Variable[] = [];
  #indent = 0;
  #names = 0;

  constructor(random: Random, coverage: Coverage) {
    this.random = random;
    this.coverage = coverage;
    this.place = {
      effects: true,
      locked: false,
      packet: undefined,
      returns: "void",
      loops: [],
      inSwitch: false,
      calls: true,
      rounds: 1,
    };
  }

  fresh(prefix: string): string {
    return `${prefix}_${++this.#names}`;
  }

  line(text: string): void {
    this.lines.push("  ".repeat(this.#indent) + text);
  }

  declare(variable: Variable): void {
    this.#variables.push(variable);
  }

  /** Those that may be used here, the innermost names last. */
  variables<K extends Variable["kind"]>(kind: K): Extract<Variable, { readonly kind: K }>[] {
    const latest = new Map(this.#variables.map((one) => [one.name, one]));
    return [...latest.values()].filter(
      (one): one is Extract<Variable, { readonly kind: K }> => one.kind === kind && this.#isFresh(one),
    );
  }

  #isFresh(variable: Variable): boolean {
    if (variable.kind === "optional") return this.#isFresh(variable.present);
    if (variable.kind !== "ref" || variable.region === "local") return true;
    return variable.epoch === (variable.region === "packet" ? this.packetEpoch : this.mapEpoch);
  }

  /** Generates inside of a nested scope; names made there end with it. */
  nested(body: () => void, change: Partial<Place> = {}): void {
    const { place } = this;
    const known = this.#variables.length;
    this.place = { ...place, ...change };
    this.#indent++;
    body();
    this.#indent--;
    this.#variables.length = known;
    this.place = place;
  }

  /** As {@link nested}, with nothing of the outer scope in sight: the body of a function. */
  separate(body: () => void, place: Partial<Place>): void {
    const outer = this.#variables;
    this.#variables = [];
    this.nested(body, { loops: [], inSwitch: false, rounds: 1, locked: false, ...place });
    this.#variables = outer;
  }

  /** All packet views are stale from here on. */
  packetChanged(): void {
    this.packetEpoch++;
  }

  /** All live references to map values are left alone from here on: an update may have replaced what they point to. */
  mapsChanged(): void {
    this.mapEpoch++;
  }
}
