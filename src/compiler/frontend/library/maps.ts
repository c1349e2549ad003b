import type ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { type Layout, sizeOf } from "../../hir/layout.ts";
import { mapKinds } from "../../hir/map-kinds.ts";
import type { MapDeclaration, MapDisplay, MapKind } from "../../hir/tree.ts";
import { mapFault } from "../../hir/verify/maps.ts";
import type { Frame } from "../frame.ts";
import { hasPadding } from "../struct-layout.ts";
import { builtin, describe, layoutName, poison, type RecordValue, type Value } from "../values.ts";
import { constantNumber, numberOption, options, values } from "./arguments.ts";
import type { Library, LibraryEntry } from "./index.ts";
import { layoutOf } from "./layouts.ts";
import { mapObject } from "./map-methods.ts";

export const mapLibrary: Library = {
  arrayMap: declares("array"),
  hash: declares("hash"),
  lruHash: declares("lruHash"),
  perCpuArray: declares("perCpuArray"),
  perCpuHash: declares("perCpuHash"),
  lruPerCpuHash: declares("lruPerCpuHash"),
  lpmTrie: declares("lpmTrie"),
  ringBuffer: declares("ringBuffer"),
  queue: declares("queue"),
  stack: declares("stack"),
  devMap: declares("devMap"),
  devMapHash: declares("devMapHash"),
  progArray: declares("progArray"),
  arrayOfMaps: declares("arrayOfMaps"),
  hashOfMaps: declares("hashOfMaps"),
};

const word: Layout = { kind: "integer", bits: 32, signed: false, order: "native" };
/** BPF_F_NO_PREALLOC, which the kernel demands of LPM tries. */
const noPreallocation = 1;

function declares(kind: MapKind): LibraryEntry {
  return () => builtin(kind, (frame, call) => declareMap(frame, kind, call));
}

function declareMap(frame: Frame, kind: MapKind, call: ts.CallExpression): Value {
  if (frame.inProgram || !frame.state.hint) return frame.fail(call, messages.misplaced("a map"));
  const [given] = values(frame, call) ?? [];
  const record = options(frame, given, call);
  if (!record) return poison;
  const maxEntries = numberOption(frame, record, kind === "ringBuffer" ? "bytes" : "maxEntries", call);
  const parts = layoutsOf(frame, kind, record, call);
  if (maxEntries === undefined || !parts) return poison;
  const packets = kind === "ringBuffer" ? packetBytesOf(frame, record, call) : {};
  if (!packets) return poison;
  const declaration: MapDeclaration = {
    name: frame.state.hint,
    kind,
    ...parts,
    maxEntries,
    ...packets,
    flags: kind === "lpmTrie" ? noPreallocation : 0,
    ...displayOf(frame, record, call),
    at: frame.at(call),
  };
  const fault = sizeFault(kind, maxEntries) ?? layoutFault(kind, parts) ?? mapFault(declaration, frame.session.maps);
  if (fault) return frame.fail(call, messages.badMap(fault));
  const padding = parts.key && hasPadding(parts.key);
  if (padding) return frame.fail(call, messages.paddedKey(layoutName(parts.key!), padding));
  const { maps } = frame.session;
  if (maps.some((map) => map.name === frame.state.hint))
    return frame.fail(call, messages.duplicateName("map", frame.state.hint));
  return mapObject(declaration, maps.push(declaration) - 1);
}

interface MapParts {
  readonly key?: Layout;
  readonly value?: Layout;
  readonly inner?: number;
}

/** How much of a packet the events carry; undefined when that is in error. */
function packetBytesOf(
  frame: Frame,
  record: RecordValue,
  node: ts.Node,
): { readonly packetBytes?: number } | undefined {
  const given = record.members.get("packetBytes");
  if (!given || given.kind === "undefined") return {};
  const packetBytes = constantNumber(frame, given, '"packetBytes"', node);
  return packetBytes === undefined ? undefined : { packetBytes };
}

function layoutsOf(frame: Frame, kind: MapKind, record: RecordValue, node: ts.Node): MapParts | undefined {
  const given = (name: string): Layout | undefined => layoutOf(frame, record.members.get(name), node);
  const row = mapKinds[kind];
  if (row.value === "map") return mapsOf(frame, kind, record, node);
  if (row.value === "word" || row.value === "device") return { key: word, value: word };
  const key = row.key === "none" ? undefined : row.key === "index" ? word : given("key");
  const value = given(kind === "ringBuffer" ? "event" : "value");
  if (!value || (row.key !== "none" && !key)) return undefined;
  return key ? { key, value } : { value };
}

function mapsOf(frame: Frame, kind: MapKind, record: RecordValue, node: ts.Node): MapParts | undefined {
  const template = record.members.get("inner");
  const key = kind === "arrayOfMaps" ? word : layoutOf(frame, record.members.get("key"), node);
  if (template?.kind !== "object" || template.map === undefined) {
    if (template && template.kind !== "poison")
      frame.fail(node, messages.unexpectedValue("a map as the template", describe(template)));
    return undefined;
  }
  return key && { key, value: word, inner: template.map };
}

const mostEntries = 2 ** 31;

/** What the kernel would refuse at BPF_MAP_CREATE. */
function sizeFault(kind: MapKind, maxEntries: number): string | undefined {
  if (maxEntries < 1) return "it needs room for at least one entry";
  if (maxEntries > mostEntries) return `it has at most ${mostEntries} entries`;
  const powerOfTwo = (maxEntries & (maxEntries - 1)) === 0;
  if (kind === "ringBuffer" && (!powerOfTwo || maxEntries < 4096))
    return "the bytes of a ring buffer are a power of two, at least 4096";
  return undefined;
}

/** The key of a trie: its length in bits first (struct bpf_lpm_trie_key). */
function layoutFault(kind: MapKind, { key, value }: MapParts): string | undefined {
  if (key && sizeOf(key) > 512) return "a key has at most 512 bytes";
  if (key && containsOpaque(key)) return "a key holds no lock and no timer";
  if (kind === "lpmTrie" && key) {
    const first = key.kind === "struct" ? key.fields[0]?.layout : undefined;
    const length = first?.kind === "integer" && first.bits === 32 && first.order === "native" && !first.signed;
    if (!length) return "the key of a trie is a struct that starts with a u32, the prefix length";
    if (sizeOf(key) < 5 || sizeOf(key) > 260) return "what a trie matches has 1 to 256 bytes";
  }
  return value && opaqueFault(kind, value);
}

function containsOpaque(layout: Layout): boolean {
  if (layout.kind === "array") return containsOpaque(layout.element);
  if (layout.kind === "struct" || layout.kind === "union")
    return layout.fields.some((one) => containsOpaque(one.layout));
  return layout.kind === "opaque";
}

function opaqueFault(kind: MapKind, value: Layout): string | undefined {
  if (!containsOpaque(value)) return undefined;
  const fields = value.kind === "struct" ? value.fields : [];
  const count = (what: string): number =>
    fields.filter(({ layout }) => layout.kind === "opaque" && layout.what === what).length;
  const nested = fields.some(({ layout }) => layout.kind !== "opaque" && containsOpaque(layout));
  if (value.kind !== "struct" || nested || count("spinLock") > 1 || count("timer") > 1)
    return "a lock or timer is a field of the value's own struct, at most one of each";
  if (count("spinLock") > 0 && !mapKinds[kind].locks) return `a ${kind} has no locks in its values`;
  return count("timer") > 0 && !mapKinds[kind].timers ? `a ${kind} has no timers in its values` : undefined;
}

function displayOf(frame: Frame, record: RecordValue, node: ts.Node): { readonly display?: MapDisplay } {
  const title = record.members.get("title");
  const show = record.members.get("show");
  if (!title && !show) return {};
  if ((title && title.kind !== "string") || (show && show.kind !== "string")) {
    frame.fail(node, messages.notConstant("how a map is shown"));
    return {};
  }
  const kind = (show?.text ?? "table") as MapDisplay["kind"];
  return { display: title ? { title: title.text, kind } : { kind } };
}
