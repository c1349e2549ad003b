import type ts from "typescript";
import { messages } from "../../diagnostics.ts";
import type { Frame } from "../frame.ts";
import type { Value } from "../values.ts";
import { atomicsLibrary } from "./atomics.ts";
import { configLibrary } from "./config.ts";
import { connectLibrary } from "./connect.ts";
import { graphLibrary } from "./graph.ts";
import { layoutLibrary } from "./layouts.ts";
import { mapLibrary } from "./maps.ts";
import { matchLibrary } from "./match.ts";
import { packetLibrary } from "./packet.ts";
import { scalarLibrary } from "./scalars.ts";
import { systemLibrary } from "./system.ts";
import { tracingLibrary } from "./tracing.ts";

/** A name that iovisor/kernel exports: what it is at the place of its use. */
export type LibraryEntry = (frame: Frame, node: ts.Node) => Value;
export type Library = Readonly<Record<string, LibraryEntry>>;

/** Every value that `src/language/kernel/index.d.ts` declares; a test holds the two equal. */
export const library: Library = {
  ...atomicsLibrary,
  ...configLibrary,
  ...connectLibrary,
  ...graphLibrary,
  ...layoutLibrary,
  ...mapLibrary,
  ...matchLibrary,
  ...packetLibrary,
  ...scalarLibrary,
  ...systemLibrary,
  ...tracingLibrary,
};

export function libraryValue(frame: Frame, name: string, node: ts.Node): Value {
  const entry = Object.hasOwn(library, name) ? library[name] : undefined;
  return entry ? entry(frame, node) : frame.fail(node, messages.unknownMember(name));
}
