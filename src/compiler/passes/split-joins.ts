import { type Graph, graphOf } from "../ir/graph.ts";
import type { Block, Edge, Instruction, IrFunction, Terminator, Value } from "../ir/ir.ts";
import { edgesOf, mapEdges, mapOperands, mapTerminator, resultOf } from "../ir/operands.ts";
import { repairSsa } from "../ir/repair-ssa.ts";
import { constantOf, type Definitions, definitionsOf } from "./definitions.ts";
import { foldCompare } from "./fold.ts";

type Branch = Extract<Terminator, { kind: "branch" }>;

/** More than this is not copied for the sake of one comparison. */
const mostInstructions = 4;
const mostRounds = 4;

/**
 * Jump threading through joins whose values live on: an edge that brings the constant that the join branches on gets a
 * copy of the join which goes straight on. An optional is the pair (present, value); behind the copy the value is what
 * the edge brought, with no parameter, no move and no flag. Loop headers stay as they are.
 */
export function splitJoins(fn: IrFunction): boolean {
  let changed = false;
  if (!fn.blocks.some(({ parameters, terminator }) => asksParameter(parameters, terminator))) return false;
  for (let round = 0; round < mostRounds; round++) {
    if (!splitOnce(fn)) break;
    changed = true;
  }
  return changed;
}

function asksParameter(parameters: readonly Value[], terminator: Terminator): boolean {
  return terminator.kind === "branch" && parameters.includes(terminator.left);
}

/** A join that ends in a comparison of one of its parameters with a constant. */
interface Join {
  readonly block: Block;
  readonly branch: Branch;
  /** Place of the parameter among the arguments. */
  readonly parameter: number;
  readonly bound: bigint;
  readonly own: readonly Value[];
}

function splitOnce(fn: IrFunction): boolean {
  const definitions = definitionsOf(fn);
  const graph = graphOf(fn);
  const redefined = new Map<Value, Map<number, Value>>();
  const added: Block[] = [];
  for (const block of graph.order) {
    const join = joinOf(definitions, graph, block);
    if (!join) continue;
    const edges = incoming(graph, block.id);
    // What this round copies or defines anew is looked at again in the next one.
    if (edges.some(({ args }) => args.some((value) => redefined.has(value)))) continue;
    const copies = copyPerEdge(fn, definitions, graph, join, redefined);
    added.push(...copies);
  }
  if (added.length === 0) return false;
  fn.blocks.push(...added);
  repairSsa(fn, redefined);
  return true;
}

function joinOf(definitions: Definitions, { predecessors, position }: Graph, block: Block): Join | undefined {
  const { terminator: branch, parameters, instructions } = block;
  if (branch.kind !== "branch" || parameters.length === 0 || predecessors[block.id]!.length < 2) return undefined;
  const parameter = parameters.indexOf(branch.left);
  if (parameter < 0) return undefined;
  const bound = constantOf(definitions, branch.right);
  if (bound === undefined) return undefined;
  const costly = instructions.filter(({ kind }) => kind !== "const");
  if (costly.length > mostInstructions || !costly.every(isCopyable)) return undefined;
  if (predecessors[block.id]!.some((from) => position[from]! >= position[block.id]!)) return undefined;
  const own = [...parameters, ...instructions.map((instruction) => resultOf(instruction)!)];
  return { block, branch, parameter, bound, own };
}

function isCopyable({ kind }: Instruction): boolean {
  return kind === "binary" || kind === "unary" || kind === "address";
}

function incoming(graph: Graph, id: number): Edge[] {
  const from = new Set(graph.predecessors[id]);
  return [...from].flatMap((block) => edgesOf(graph.blocks[block]!.terminator).filter((edge) => edge.block === id));
}

function copyPerEdge(
  fn: IrFunction,
  definitions: Definitions,
  graph: Graph,
  join: Join,
  redefined: Map<Value, Map<number, Value>>,
): readonly Block[] {
  const copies: Block[] = [];
  const { block, branch, parameter, bound, own } = join;
  for (const from of new Set(graph.predecessors[block.id])) {
    const source = graph.blocks[from]!;
    source.terminator = mapEdges(source.terminator, (edge) => {
      const brought = edge.block === block.id ? constantOf(definitions, edge.args[parameter]!) : undefined;
      if (brought === undefined) return edge;
      const to = foldCompare(branch.op, branch.width, brought, bound) ? branch.then : branch.otherwise;
      const { copy, values } = copyOf(fn, block, edge, to);
      copies.push(copy);
      for (const value of own) {
        const byBlock = redefined.get(value) ?? new Map<number, Value>([[block.id, value]]);
        redefined.set(value, byBlock.set(copy.id, values(value)));
      }
      return { block: copy.id, args: [] };
    });
  }
  return copies;
}

function copyOf(fn: IrFunction, block: Block, edge: Edge, to: Edge) {
  const renamed = new Map(block.parameters.map((parameter, index) => [parameter, edge.args[index]!]));
  const values = (value: Value): Value => renamed.get(value) ?? value;
  const instructions = block.instructions.map((instruction) => {
    const result = fn.valueCount++;
    const copied = { ...mapOperands(instruction, values), result } as Instruction;
    renamed.set(resultOf(instruction)!, result);
    return copied;
  });
  const jump: Terminator = { kind: "jump", to, at: block.terminator.at };
  const copy: Block = { id: fn.blockCount++, parameters: [], instructions, terminator: mapTerminator(jump, values) };
  return { copy, values };
}
