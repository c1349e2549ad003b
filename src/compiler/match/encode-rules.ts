import type { SettingDeclaration } from "../hir/tree.ts";
import { compileRules } from "./compile-rules.ts";
import { buildForest, type DataCut, type DataList, type DataNode, type Forest } from "./forest.ts";
import { plainFieldsOf } from "./plain-fields.ts";
import { nodeAt, nodeSize, nowhere, type RuleLayout, recordKind, ruleLayout } from "./rule-layout.ts";
import type { Box } from "./rules.ts";

/** A list of rules as bytes that can lie anywhere in the value: places are moved to where it does. */
export interface EncodedRules {
  readonly size: number;
  /** The most nodes and records that a packet can meet. */
  readonly steps: number;
  readonly separating: readonly number[];
  /** Writes the bytes for the place `base`; gives where a packet begins. */
  write(target: DataView, base: number): number;
}

/** Encodes the rules of a list setting, as its declaration's default has them. */
export function encodeRules(
  settings: readonly SettingDeclaration[],
  setting: number,
  separating?: readonly number[],
): EncodedRules {
  const { type, default: values } = settings[setting]!;
  const { fields, boxes } = compileRules(type, values);
  return new Encoding(settings, setting, boxes, buildForest(fields, boxes, separating));
}

class Encoding implements EncodedRules {
  readonly separating: readonly number[];
  readonly size: number;
  readonly steps: number;
  readonly #settings: readonly SettingDeclaration[];
  readonly #setting: number;
  readonly #layout: RuleLayout;
  readonly #boxes: readonly Box[];
  readonly #trees: readonly TreePlan[];
  readonly #rules: number;

  constructor(settings: readonly SettingDeclaration[], setting: number, boxes: readonly Box[], forest: Forest) {
    this.#settings = settings;
    this.#setting = setting;
    this.#layout = ruleLayout(settings, setting);
    this.#boxes = boxes;
    this.#rules = (settings[setting]!.default as readonly unknown[]).length;
    this.separating = forest.separating;
    let size = this.#rules * this.#layout.ruleSize;
    this.#trees = forest.trees.map((root) => {
      const plan = new TreePlan(root, size, this.#layout.recordSize, boxes);
      size = plan.end;
      return plan;
    });
    this.size = size;
    this.steps = this.#trees.reduce((sum, { steps }) => sum + steps, 0);
  }

  write(target: DataView, base: number): number {
    this.#writeRules(target, base);
    for (const [index, tree] of this.#trees.entries()) this.#writeTree(target, base, tree, index);
    return this.#rootFrom(0, base);
  }

  #writeRules(target: DataView, base: number): void {
    const { plain, ruleSize } = this.#layout;
    for (let rule = 0; rule < this.#rules; rule++) target.setUint32(base + rule * ruleSize, rule, true);
    for (const { field, values } of plainFieldsOf(this.#settings, this.#setting)) {
      const { offset, size } = plain.get(field)!;
      for (const [rule, value] of values.entries()) {
        const at = base + rule * ruleSize + offset;
        if (size === 8) target.setBigUint64(at, BigInt.asUintN(64, value), true);
        else setUint(target, at, size, Number(BigInt.asUintN(8 * size, value)));
      }
    }
  }

  /** Where the next tree begins that has any box. */
  #rootFrom(index: number, base: number): number {
    const tree = this.#trees.slice(index).find(({ root }) => root !== undefined);
    return tree ? base + tree.root! : nowhere;
  }

  #writeTree(target: DataView, base: number, tree: TreePlan, index: number): void {
    const next = this.#rootFrom(index + 1, base);
    const placeOf = (node: DataNode) => {
      const place = tree.places.get(node);
      return place === undefined ? next : base + place;
    };
    for (const [node, place] of tree.places) {
      if (node.kind === "cut") writeCut(target, base + place, node, placeOf);
      else this.#writeList(target, base + place, node, { base, next, index });
    }
  }

  #writeList(
    target: DataView,
    place: number,
    { boxes }: DataList,
    tree: { readonly base: number; readonly next: number; readonly index: number },
  ): void {
    const { recordSize, ruleSize, words } = this.#layout;
    for (const [position, box] of boxes.entries()) {
      const at = place + position * recordSize;
      const { rule, intervals } = this.#boxes[box]!;
      target.setUint32(at + nodeAt.value, tree.base + rule * ruleSize, true);
      target.setUint32(at + nodeAt.next, this.#rootBefore(tree.index + 1, rule, tree.base), true);
      target.setUint8(at + nodeAt.kind, recordKind);
      target.setUint32(at + nodeAt.other, position + 1 < boxes.length ? at + recordSize : tree.next, true);
      for (const [word, { low, high }] of intervals.entries()) {
        const { offset, size } = words[word]!;
        setUint(target, at + offset, size, low);
        setUint(target, at + offset + size, size, high);
      }
    }
  }

  /** Where the next tree begins that has a rule before this one. */
  #rootBefore(index: number, rule: number, base: number): number {
    const tree = this.#trees.slice(index).find(({ root, firstRule }) => root !== undefined && firstRule < rule);
    return tree ? base + tree.root! : nowhere;
  }
}

function writeCut(target: DataView, at: number, node: DataCut, placeOf: (node: DataNode) => number): void {
  target.setUint32(at + nodeAt.value, node.origin, true);
  target.setUint8(at + nodeAt.kind, node.word * 8);
  target.setUint8(at + nodeAt.shift, node.shift);
  target.setUint16(at + nodeAt.last, node.children.length - 1, true);
  target.setUint32(at + nodeAt.other, placeOf(node.other), true);
  for (const [index, child] of node.children.entries()) {
    target.setUint32(at + nodeSize + 4 * index, placeOf(child), true);
  }
}

function setUint(target: DataView, at: number, size: number, value: number): void {
  if (size === 1) target.setUint8(at, value);
  else if (size === 2) target.setUint16(at, value, true);
  else target.setUint32(at, value, true);
}

/** Where the nodes of a tree lie; lists of the same boxes lie in one place. */
class TreePlan {
  readonly places = new Map<DataNode, number>();
  readonly root: number | undefined;
  readonly firstRule: number;
  readonly steps: number;
  end: number;
  readonly #recordSize: number;
  readonly #lists = new Map<string, number>();

  constructor(root: DataNode, start: number, recordSize: number, boxes: readonly Box[]) {
    this.end = start;
    this.#recordSize = recordSize;
    this.steps = this.#place(root, new Map());
    this.root = this.places.get(root);
    this.firstRule = leastBox(root, boxes, new Set());
  }

  /** Gives the most steps from a node to the tree's end. An empty list has no place: it is the tree's end. */
  #place(node: DataNode, known: Map<DataNode, number>): number {
    const found = known.get(node);
    if (found !== undefined) return found;
    let steps: number;
    if (node.kind === "list") {
      if (node.boxes.length > 0) this.#placeList(node);
      steps = node.boxes.length;
    } else {
      this.places.set(node, this.end);
      this.end += Math.ceil((nodeSize + 4 * node.children.length) / 8) * 8;
      steps = 1 + Math.max(...[...node.children, node.other].map((child) => this.#place(child, known)));
    }
    known.set(node, steps);
    return steps;
  }

  #placeList(node: DataList): void {
    const key = node.boxes.join();
    let place = this.#lists.get(key);
    if (place === undefined) {
      place = this.end;
      this.end += node.boxes.length * this.#recordSize;
      this.#lists.set(key, place);
    }
    this.places.set(node, place);
  }
}

function leastBox(node: DataNode, boxes: readonly Box[], seen: Set<DataNode>): number {
  if (seen.has(node)) return Number.POSITIVE_INFINITY;
  seen.add(node);
  if (node.kind === "list") return boxes[node.boxes[0] ?? -1]?.rule ?? Number.POSITIVE_INFINITY;
  return [...node.children, node.other].reduce(
    (least, child) => Math.min(least, leastBox(child, boxes, seen)),
    Number.POSITIVE_INFINITY,
  );
}
