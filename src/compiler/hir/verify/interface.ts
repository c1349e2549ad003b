import { interfaceLimits } from "../interface.ts";
import type { DynamicPorts, FixedPorts, MetadataSlot, Module, ModuleInterface, Reason } from "../tree.ts";
import {
  integer,
  listOf,
  name,
  oneOf,
  optional,
  type RecordShape,
  type Report,
  record,
  type Shape,
  tagged,
  text,
  under,
} from "./shape.ts";

const kind = text;
/** Merged modules have the names of all of their parts. */
const mostNames = 64 * interfaceLimits.names;

const reasons = listOf(record({ name, description: text } satisfies RecordShape<Reason>), mostNames);
const ports: Shape = tagged("ports", () => ({
  fixed: record({ kind, names: listOf(name, interfaceLimits.names, 1) } satisfies RecordShape<FixedPorts>),
  dynamic: record({ kind, maximum: integer(1, interfaceLimits.ports) } satisfies RecordShape<DynamicPorts>),
}));

export const moduleInterface: Shape = record({
  ports: optional(ports),
  dropReasons: reasons,
  puntReasons: reasons,
  metadata: listOf(
    record({ name, width: oneOf("bool", "u8", "u16", "u32", "u64") } satisfies RecordShape<MetadataSlot>),
    mostNames,
  ),
} satisfies RecordShape<ModuleInterface>);

/** Names say which port, reason or value is meant: each stands once. */
export function verifyInterface(module: Module, report: Report): void {
  if (!module.interface) return;
  const { ports: declared, dropReasons, puntReasons, metadata } = module.interface;
  const lists = {
    ports: declared?.kind === "fixed" ? declared.names : [],
    dropReasons: dropReasons.map((one) => one.name),
    puntReasons: puntReasons.map((one) => one.name),
    metadata: metadata.map((one) => one.name),
  };
  for (const [list, names] of Object.entries(lists)) {
    const twice = names.find((one, index) => names.indexOf(one) < index);
    if (twice !== undefined) report.add(under(under(undefined, "interface"), list), `"${twice}" stands there twice`);
  }
}
