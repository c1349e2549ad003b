import { basename, dirname, relative } from "node:path";
import type ts from "typescript";
import type { Diagnostic, Message } from "../diagnostics.ts";
import { emptyInterface } from "../hir/interface.ts";
import type { Layout } from "../hir/layout.ts";
import { type Position, packPosition, unpackPosition } from "../hir/position.ts";
import type { MapDeclaration, ModuleInterface, Program, SettingDeclaration, Source } from "../hir/tree.ts";
import { assignedSymbols, symbolsAssignedByClosures } from "./assignments.ts";
import { Callbacks } from "./callbacks.ts";
import { installedName, isInstalledSource } from "./program.ts";
import { Scope } from "./scope.ts";
import { type PoisonValue, poison, type Value } from "./values.ts";

/** One compilation: what it reads from tsc, and what it makes. */
export class Session {
  readonly program: ts.Program;
  readonly checker: ts.TypeChecker;
  readonly entry: ts.SourceFile;
  readonly maps: MapDeclaration[] = [];
  readonly settings: SettingDeclaration[] = [];
  readonly programs: Program[] = [];
  /** What the module declares for graphs. */
  interface: ModuleInterface = emptyInterface;
  readonly callbacks = new Callbacks();
  /** The scope of each module: empty, since module names are found by their declarations. */
  readonly moduleScope = new Scope();
  /** Module constants that are evaluated, or being evaluated ("busy"). */
  readonly constants = new Map<ts.Symbol, Value | "busy">();
  /** What destructuring at module scope takes apart. */
  readonly initializers = new Map<ts.Node, Value>();
  /** Struct layouts by name, so that two declarations of one name get different names. */
  readonly layouts = new Map<string, Layout[]>();
  /** What the evaluator gave up first without a message: an error of tsc is the reason, or one of ours in here. */
  gaveUp: ts.Node | undefined;
  /** Functions that were put in the place of their calls so far. */
  calls = 0;
  readonly #sources: ts.SourceFile[] = [];
  readonly #diagnostics = new Map<string, Diagnostic>();
  readonly #assigned = new Map<ts.SourceFile, ReadonlySet<ts.Symbol>>();

  readonly #assignedByClosures = new Map<ts.SourceFile, ReadonlySet<ts.Symbol>>();

  constructor(program: ts.Program, entry: ts.SourceFile) {
    this.program = program;
    this.checker = program.getTypeChecker();
    this.entry = entry;
    this.#sources.push(entry);
  }

  get diagnostics(): readonly Diagnostic[] {
    return [...this.#diagnostics.values()];
  }

  get sources(): readonly Source[] {
    return this.#sources.map((file) => ({ path: this.#nameOf(file), text: file.text }));
  }

  /** Notes what is wrong at a node, once, and gives the value that stands for it. */
  report(node: ts.Node, message: Message): PoisonValue {
    const file = node.getSourceFile();
    const start = node.getStart(file);
    this.reportAt(file, start, Math.min(node.end, lineEnd(file, start)) - start, message);
    return poison;
  }

  reportAt(file: ts.SourceFile, start: number, length: number, message: Message): void {
    const { line, character } = file.getLineAndCharacterOfPosition(start);
    const place = { file: file.fileName, line: line + 1, column: character + 1, length };
    const key = `${place.file}:${start}:${message.code}`;
    if (!this.#diagnostics.has(key)) this.#diagnostics.set(key, { ...message, ...place });
  }

  /** The same for a place in HIR; without one, for the whole module. */
  reportPosition(at: Position | undefined, message: Message): void {
    const { source, line, column } = at === undefined ? { source: 0, line: 1, column: 1 } : unpackPosition(at);
    const file = this.#sources[source] ?? this.entry;
    this.reportAt(file, file.getPositionOfLineAndCharacter(line - 1, column - 1), 0, message);
  }

  at(node: ts.Node): Position {
    const file = node.getSourceFile();
    let index = this.#sources.indexOf(file);
    if (index < 0) index = this.#sources.push(file) - 1;
    const { line, character } = file.getLineAndCharacterOfPosition(node.getStart(file));
    return packPosition(index, line + 1, character + 1);
  }

  /** Whether a variable is assigned after its declaration. */
  isAssigned(symbol: ts.Symbol): boolean {
    const file = symbol.valueDeclaration?.getSourceFile();
    if (!file) return false;
    let assigned = this.#assigned.get(file);
    if (!assigned) this.#assigned.set(file, (assigned = assignedSymbols(file, this.checker)));
    return assigned.has(symbol);
  }

  /** Whether a function inside of the variable's own one assigns it: a call may change it. */
  isAssignedByClosures(symbol: ts.Symbol): boolean {
    const file = symbol.valueDeclaration?.getSourceFile();
    if (!file) return false;
    let assigned = this.#assignedByClosures.get(file);
    if (!assigned) this.#assignedByClosures.set(file, (assigned = symbolsAssignedByClosures(file, this.checker)));
    return assigned.has(symbol);
  }

  #nameOf(file: ts.SourceFile): string {
    if (file === this.entry) return basename(file.fileName);
    if (isInstalledSource(file.fileName)) return installedName(file.fileName);
    return relative(dirname(this.entry.fileName), file.fileName);
  }
}

function lineEnd(file: ts.SourceFile, start: number): number {
  const end = file.text.indexOf("\n", start);
  return end < 0 ? file.text.length : end;
}
