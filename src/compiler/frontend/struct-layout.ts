import {
  alignOf,
  type BitsLayout,
  type Field,
  type Layout,
  type StructLayout,
  sizeOf,
  type UnionLayout,
} from "../hir/layout.ts";

export interface NamedLayout {
  readonly name: string;
  readonly layout: Layout;
}

/** Places fields in order, aligned as C does; says what is wrong when it cannot be done. */
export function structLayout(name: string, members: readonly NamedLayout[]): StructLayout | string {
  if (members.length === 0) return "it has no fields";
  const fields: Field[] = [];
  let offset = 0;
  let align = 1;
  for (let index = 0; index < members.length; ) {
    const run = bitRun(members, index);
    if (typeof run === "string") return run;
    const { layout } = members[index]!;
    const own = alignOf(layout);
    align = Math.max(align, own);
    offset = roundUp(offset, own);
    if (run.length > 0) fields.push(...run.map((field) => ({ ...field, offset })));
    else fields.push({ name: members[index]!.name, offset, layout });
    offset += sizeOf(layout);
    index += Math.max(run.length, 1);
  }
  return { kind: "struct", name, size: roundUp(offset, align), align, fields };
}

export function unionLayout(name: string, members: readonly NamedLayout[]): UnionLayout | string {
  if (members.length === 0) return "it has no fields";
  if (members.some(({ layout }) => layout.kind === "bits" || layout.kind === "opaque"))
    return "a union has no bit fields, locks or timers";
  const align = Math.max(...members.map(({ layout }) => alignOf(layout)));
  const size = roundUp(Math.max(...members.map(({ layout }) => sizeOf(layout))), align);
  return { kind: "union", name, size, align, fields: members.map((member) => ({ ...member, offset: 0 })) };
}

function roundUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}

/** The bit fields from here on that fill one unit together, most significant first; or what is wrong with them. */
function bitRun(members: readonly NamedLayout[], start: number): Field[] | string {
  const first = members[start]!.layout;
  if (first.kind !== "bits") return [];
  const fields: Field[] = [];
  let left = first.bits as number;
  for (let index = start; left > 0; index++) {
    const member = members[index];
    const layout = member?.layout;
    if (layout?.kind !== "bits" || layout.bits !== first.bits || layout.order !== first.order)
      return `the bit fields from "${members[start]!.name}" on leave ${left} of ${first.bits} bits unused`;
    if (layout.width > left) return `the bit field "${member!.name}" does not fit into what is left of its unit`;
    left -= layout.width;
    const placed: BitsLayout = { ...layout, shift: left };
    fields.push({ name: member!.name, offset: 0, layout: placed });
  }
  return fields;
}

/** Where a layout has bytes that belong to no field: "behind a", or undefined. */
export function hasPadding(layout: Layout): string | undefined {
  if (layout.kind === "array") return hasPadding(layout.element);
  if (layout.kind === "union") return layout.fields.map((field) => hasPadding(field.layout)).find((one) => one);
  if (layout.kind !== "struct") return undefined;
  let end = 0;
  let before = "";
  for (const { name, offset, layout: part } of layout.fields) {
    if (offset > end) return `behind "${before}"`;
    const inner = hasPadding(part);
    if (inner) return `in "${name}" ${inner}`;
    end = Math.max(end, offset + sizeOf(part));
    before = name;
  }
  return end < layout.size ? `behind "${before}"` : undefined;
}
