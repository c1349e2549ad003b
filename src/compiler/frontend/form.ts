import ts from "typescript";
import { type Diagnostic, messages } from "../diagnostics.ts";
import type { Position } from "../hir/position.ts";
import type { Module } from "../hir/tree.ts";
import { verifyModule } from "../hir/verify.ts";
import type { Session } from "./session.ts";

/** Reports where a module goes beyond the limits of HIR: what is accepted can be written to a file and read back. */
export function checkForm(session: Session, module: Module): void {
  const problems = verifyModule(module);
  const deep = problems.filter(({ message }) => /\bnested more than\b/.test(message));
  for (const { path, message } of problems)
    if (!deep.some((one) => one.path === path))
      session.reportPosition(positionOf(module, path), messages.internal(message));
  // The same value may be used in many places; where it is too deep first is where to mend it.
  const [first] = deep;
  if (first) session.reportPosition(positionOf(module, first.path), messages.tooDeep(first.message));
}

/** The position of the innermost node on a path such as "programs[0].body[2].value". */
function positionOf(module: Module, path: string): Position | undefined {
  let found: Position | undefined;
  let value: unknown = module;
  for (const key of path.match(/[^.[\]]+/g) ?? []) {
    if (typeof value !== "object" || value === null) break;
    value = (value as Readonly<Record<string, unknown>>)[key];
    const at = typeof value === "object" && value !== null && "at" in value ? value.at : undefined;
    if (typeof at === "number") found = at;
  }
  return found;
}

/** Where a text is nested most deeply, for what is too deep to be parsed or checked at all. */
export function deepestPlace(path: string, text: string): Diagnostic {
  const scanner = ts.createScanner(ts.ScriptTarget.ESNext, true, ts.LanguageVariant.Standard, text);
  let depth = 0;
  let deepest = 0;
  let place = 0;
  for (let token = scanner.scan(); token !== ts.SyntaxKind.EndOfFileToken; token = scanner.scan()) {
    if (opening.has(token)) depth++;
    else if (closing.has(token)) depth--;
    if (depth <= deepest) continue;
    deepest = depth;
    place = scanner.getTokenStart();
  }
  const before = text.slice(0, place).split(/\r\n|[\r\n]/);
  const made = messages.tooDeep("this is nested too deeply");
  return { ...made, file: path, line: before.length, column: before.at(-1)!.length + 1, length: 0 };
}

const K = ts.SyntaxKind;
const opening: ReadonlySet<ts.SyntaxKind> = new Set([K.OpenBraceToken, K.OpenBracketToken, K.OpenParenToken]);
const closing: ReadonlySet<ts.SyntaxKind> = new Set([K.CloseBraceToken, K.CloseBracketToken, K.CloseParenToken]);
