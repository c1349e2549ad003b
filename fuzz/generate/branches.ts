import { condition } from "./conditions.ts";
import type { Context, OptionalVariable } from "./context.ts";
import { leaveText } from "./leaving.ts";
import { literal, numberExpression } from "./numbers.ts";
import { type Leaf, someLeaf } from "./references.ts";
import { statements } from "./statements.ts";
import { typedWide } from "./wide.ts";

function block(c: Context, most = 3): void {
  c.nested(() => statements(c, c.random.between(1, most)));
}

/** if, else if, else. */
export function ifStatement(c: Context): boolean {
  if (c.statements < 2) return false;
  c.coverage.hit("if");
  c.line(`if (${condition(c, 3)}) {`);
  block(c);
  if (c.random.chance(0.25)) {
    c.coverage.hit("else if");
    c.line(`} else if (${condition(c, 2)}) {`);
    block(c);
  }
  if (c.random.chance(0.4)) {
    c.coverage.hit("else");
    c.line("} else {");
    block(c);
  }
  c.line("}");
  return true;
}

/** Leaves the loop or the function under a condition. */
export function leaveStatement(c: Context): boolean {
  c.coverage.hit("early leave");
  c.line(`if (${condition(c, 2)}) ${leaveText(c)}`);
  return true;
}

/** A block with a label that a break leaves. */
export function labelledBlock(c: Context): boolean {
  if (c.statements < 3) return false;
  const label = c.fresh("block");
  c.coverage.hit("labelled block");
  c.line(`${label}: {`);
  c.nested(() => {
    statements(c, 1);
    c.line(`if (${condition(c, 2)}) break ${label};`);
    statements(c, c.random.between(1, 2));
  });
  c.line("}");
  return true;
}

/** Tests an optional variable; where it is present, it is known as what it holds. */
export function narrowStatement(c: Context): boolean {
  const found = c.variables("optional");
  if (found.length === 0) return false;
  const optional = c.random.chance(0.7) ? found.at(-1)! : c.random.pick(found);
  const reference = optional.present.kind === "ref";
  if (c.random.chance(0.5)) absentLeave(c, optional);
  else branchOnPresence(c, optional, reference);
  return true;
}

/** Leaves where an optional is absent: from here on it is there. */
export function absentLeave(c: Context, optional: OptionalVariable): void {
  const reference = optional.present.kind === "ref";
  const absent = reference && c.random.chance(0.5) ? `!${optional.name}` : `${optional.name} === undefined`;
  c.coverage.hit("leave when absent");
  let leave = "";
  c.nested(() => {
    c.declare({ kind: "hidden", name: optional.name });
    leave = leaveText(c);
  });
  c.line(`if (${absent}) ${leave}`);
  c.declare(optional.present);
}

function branchOnPresence(c: Context, optional: OptionalVariable, reference: boolean): void {
  const present = reference && c.random.chance(0.5) ? optional.name : `${optional.name} !== undefined`;
  let more = "";
  if (c.random.chance(0.3)) {
    c.nested(() => {
      c.declare(optional.present);
      more = ` && ${condition(c, 2)}`;
    });
    c.coverage.hit("present && ...");
  }
  c.coverage.hit("if present");
  c.line(`if (${present}${more}) {`);
  c.nested(() => {
    c.declare(optional.present);
    statements(c, c.random.between(1, 4));
  });
  if (more === "" && c.random.chance(0.4)) {
    c.coverage.hit("else when absent");
    c.line("} else {");
    c.nested(() => {
      c.declare({ kind: "hidden", name: optional.name });
      statements(c, c.random.between(1, 2));
    });
  }
  c.line("}");
}

/** The value a switch is about, and texts for its cases. */
function subject(c: Context): { readonly text: string; readonly label: () => string } {
  const kind = c.random.below(4);
  const isEnum = ({ layout }: Leaf): boolean => layout.kind === "enum";
  const leaf = kind === 0 ? (someLeaf(c, isEnum) ?? someLeaf(c, isEnum) ?? someLeaf(c, isEnum)) : undefined;
  if (leaf?.layout.kind === "enum") {
    const { name, members } = leaf.layout;
    c.coverage.hit("switch on an enumeration");
    return { text: leaf.text, label: () => `${name}.${c.random.pick(members)}` };
  }
  if (kind === 1) {
    c.coverage.hit("switch on a u64");
    return { text: `${typedWide(c, "u64", 2)} & 7n`, label: () => `${c.random.below(9)}n` };
  }
  const value = numberExpression(c, 2);
  if (c.random.chance(0.5)) {
    c.coverage.hit("switch on a few numbers");
    return { text: `${value.text} & 7`, label: () => String(c.random.below(9)) };
  }
  c.coverage.hit("switch on a number");
  return { text: `${value.text} + 0`, label: () => literal(c, { low: value.low, high: value.low + 300n }).text };
}

export function switchStatement(c: Context): boolean {
  if (c.statements < 4) return false;
  const { text, label } = subject(c);
  const known = new Set<string>();
  c.coverage.hit("switch");
  c.line(`switch (${text}) {`);
  c.nested(
    () => {
      for (let index = c.random.between(1, 4); index > 0; index--) oneCase(c, label, known);
      if (c.random.chance(0.7)) {
        c.coverage.hit("default");
        c.line("default: {");
        block(c, 2);
        c.line("}");
      }
    },
    { inSwitch: true },
  );
  c.line("}");
  return true;
}

function oneCase(c: Context, label: () => string, known: Set<string>): void {
  const labels = Array.from({ length: c.random.chance(0.3) ? 2 : 1 }, label).filter((text) => {
    const value = valueOf(text);
    if (known.has(value)) return false;
    known.add(value);
    return true;
  });
  if (labels.length === 0) return;
  if (labels.length > 1) c.coverage.hit("case of several values");
  for (const each of labels.slice(0, -1)) c.line(`case ${each}:`);
  c.line(`case ${labels.at(-1)}: {`);
  c.nested(() => {
    statements(c, c.random.between(1, 2));
    c.line(c.place.locked || c.random.chance(0.7) ? "break;" : leaveText(c));
  });
  c.line("}");
}

/** Hexadecimal and decimal texts of one number are one case. */
function valueOf(text: string): string {
  const digits = text.replace(/[()n]/g, "");
  return /^-?(0x)?[0-9a-f]+$/.test(digits)
    ? String(digits.startsWith("-") ? -BigInt(digits.slice(1)) : BigInt(digits))
    : text;
}
