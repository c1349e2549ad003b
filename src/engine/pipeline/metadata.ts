import * as build from "../../compiler/hir/build.ts";
import type { Expression, Statement } from "../../compiler/hir/tree.ts";
import { boolType, numberType, type Type, u64Type } from "../../compiler/hir/types.ts";
import { IovisorError } from "../../errors.ts";
import type { Composer } from "./compose.ts";
import type { Node } from "./topology.ts";

export type MetadataWidth = "bool" | "u8" | "u16" | "u32" | "u64";

interface Slot {
  readonly width: MetadataWidth;
  readonly place: number;
  local: number;
}

/**
 * The values that travel with a packet from function to function. Within a pipeline they are variables; over a tail
 * call they lie in the scratch memory of the processor.
 */
export class Metadata {
  readonly #slots = new Map<string, Slot>();

  /**
   * @param nodes all of the graph: its pipelines agree on where a value lies.
   * @throws E_USAGE when functions disagree about a value's type, or there are too many.
   */
  constructor(nodes: Iterable<Node>, most: number) {
    for (const node of nodes) for (const { name, width } of declaredBy(node)) this.#add(node, name, width);
    if (this.#slots.size <= most) return;
    const names = [...this.#slots.keys()].join(", ");
    throw new IovisorError(
      "E_USAGE",
      `the functions of a graph share ${this.#slots.size} metadata values, ${most} fit: ${names}`,
      "let functions share values, or put several into one",
    );
  }

  /** Differs where values lie elsewhere. */
  get layout(): readonly string[] {
    return [...this.#slots].map(([name, { width }]) => `${name} ${width}`);
  }

  #add(node: Node, name: string, width: MetadataWidth): void {
    const known = this.#slots.get(name);
    if (known && known.width !== width) {
      const message = `"${node.instance}" takes the metadata "${name}" for ${width}, others for ${known.width}`;
      throw new IovisorError("E_USAGE", message, "declare it with one type, or give it another name");
    }
    if (!known) this.#slots.set(name, { width, place: this.#slots.size, local: -1 });
  }

  /** The variables, with what the pipeline ahead of this one left in the scratch memory. */
  declare(composer: Composer, scratch: number): readonly Statement[] {
    return [...this.#slots].map(([name, slot]) => {
      const stored = build.load(composer.metadataElement(scratch, slot.place));
      const made = composer.variable(`metadata ${name}`, fromStored(stored, slot.width), narrow(slot.width));
      slot.local = made.local;
      return made.statement;
    });
  }

  /** Leaves the values for the pipeline behind this one. */
  keep(composer: Composer, scratch: number): readonly Statement[] {
    return [...this.#slots.values()].map((slot) =>
      build.store(composer.metadataElement(scratch, slot.place), toStored(composer.use(slot.local), slot.width)),
    );
  }

  /** The variables of a node's own declarations, in their order. */
  localsOf(node: Node): readonly { readonly local: number; readonly type: Type }[] {
    return declaredBy(node).map(({ name, width }) => ({ local: this.#slots.get(name)!.local, type: typeOf(width) }));
  }
}

function declaredBy(node: Node): readonly { readonly name: string; readonly width: MetadataWidth }[] {
  return node.module.interface?.metadata ?? [];
}

function typeOf(width: MetadataWidth): Type {
  if (width === "bool") return boolType;
  return width === "u64" ? u64Type : numberType;
}

function narrow(width: MetadataWidth): "u8" | "u16" | "u32" | undefined {
  return width === "bool" || width === "u64" ? undefined : width;
}

function fromStored(stored: Expression, width: MetadataWidth): Expression {
  if (width === "u64") return stored;
  return width === "bool" ? build.compare("notEqual", stored, build.wide(0)) : build.convert(width, stored);
}

function toStored(value: Expression, width: MetadataWidth): Expression {
  return width === "u64" ? value : build.convert("u64", value);
}
