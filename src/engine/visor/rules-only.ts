import { isDeepStrictEqual } from "node:util";
import { fingerprintOf, type InstanceMap, type InstanceMaps, onlyOtherRules } from "./instance-maps.ts";
import { type LiveWriters, memoryOf } from "./live-writers.ts";
import type { NumberedInstance } from "./model.ts";
import type { Prepared } from "./prepare.ts";
import type { RuleList } from "./rule-lists.ts";
import type { RuleMaps, StagedRules } from "./rule-maps.ts";
import { floodGroups, type LiveState, mapRecords } from "./transaction.ts";

/** A revision that needs one store to be live. */
export interface StagedRuleChange extends StagedRules {
  readonly live: LiveState;
  /** The revision failed. */
  abort(): void;
}

/** What is changed by one store each. */
export interface InPlace {
  readonly rules: RuleMaps;
  readonly writers: LiveWriters;
}

/** Writes other contents beside those that are live, where the contents behind one word are all that changes. */
export function stageInPlace(
  live: LiveState,
  next: Prepared,
  { rules, writers }: InPlace,
): StagedRuleChange | undefined {
  if (!samePrograms(live, next)) return undefined;
  const changed = changedInPlace(live, next, writers);
  // Two stores would let a packet meet the one change without the other.
  if (changed?.length !== 1) return undefined;
  const { instance, name } = changed[0]!;
  const own = live.maps.get(instance)!;
  const staged =
    name === undefined
      ? stageContents(own, next.numbered.instances.get(instance)!, writers)
      : stageRules(own, name, next.numbered.instances.get(instance)!.rules.get(name)!, rules);
  if (!staged) return undefined;
  const after = new Map([...live.maps, [instance, new Map([...own, [staged.name, staged.map]])]]);
  const record = { ...live.record, identities: next.identities, maps: mapRecords(after) };
  return { ...staged, live: { ...live, record, maps: after } };
}

type StagedMap = Omit<StagedRuleChange, "live"> & { readonly name: string; readonly map: InstanceMap };

function stageRules(own: InstanceMaps, name: string, list: RuleList, maps: RuleMaps): StagedMap | undefined {
  const old = own.get(name)!;
  const staged = maps.stage(old, list);
  return staged && { ...staged, abort: () => undefined, name, map: { ...old, contents: list.fingerprint } };
}

/** Into the arrays that there are: one store into the array with the word is the commit. */
function stageContents(own: InstanceMaps, next: NumberedInstance, writers: LiveWriters): StagedMap | undefined {
  const { contents, writer, grace } = writers.of(next)!;
  const arrays = contents.arrays.map((name) => [name, own.get(name)!] as const);
  const declared = new Map(next.node.module.maps.map((declaration) => [declaration.name, declaration]));
  const fits = arrays.every(([name, { declaration }]) => declaration.maxEntries === declared.get(name)?.maxEntries);
  if (!fits || !grace.wait()) return undefined;
  const memory = Object.fromEntries(arrays.map(([name, { map }]) => [name, memoryOf(map)]));
  const staged = writer.stage(next.view, { arrays: memory, isNew: false });
  if (!staged) return undefined;
  const word = own.get(contents.word)!;
  const first = new Uint8Array(4);
  const before = word.map.lookup(first)!;
  const value = new Uint8Array(Uint32Array.of(staged.word).buffer);
  return {
    mark: { pin: word.pin, root: staged.word },
    commit: () => void word.map.update(first, value),
    revert() {
      word.map.update(first, before);
      staged.abort();
    },
    abort: () => staged.abort(),
    name: contents.word,
    map: { ...word, contents: fingerprintOf(next.node.module, contents.word, [[0, staged.word]]) },
  };
}

function samePrograms({ record, groups }: LiveState, next: Prepared): boolean {
  const pipelines = Object.entries(record.pipelines).map(([key, { slot, fingerprint }]) => [key, slot, fingerprint]);
  const wanted = next.pipelines.map(({ key, slot, fingerprint }) => [key, slot, fingerprint]);
  return (
    isDeepStrictEqual(pipelines, wanted) &&
    isDeepStrictEqual(record.identities, next.identities) &&
    isDeepStrictEqual(record.attachments, next.attachments) &&
    isDeepStrictEqual(record.devices, next.devices) &&
    isDeepStrictEqual(record.pairs, next.pairs) &&
    isDeepStrictEqual(groups, floodGroups(next))
  );
}

/** Lists of rules that changed, and instances whose live contents did (without a name). */
function changedInPlace(
  live: LiveState,
  next: Prepared,
  writers: LiveWriters,
): readonly { readonly instance: string; readonly name: string | undefined }[] | undefined {
  if (live.maps.size !== next.numbered.instances.size) return undefined;
  const changed: { readonly instance: string; readonly name: string | undefined }[] = [];
  for (const [instance, numbered] of next.numbered.instances) {
    const { node, tables, rules, view } = numbered;
    const before = live.maps.get(instance);
    const own = writers.of(numbered);
    const names = before && onlyOtherRules({ module: node.module, tables, rules, live: own, before });
    if (!names) return undefined;
    for (const name of names) changed.push({ instance, name });
    if (own?.writer.differs(view)) changed.push({ instance, name: undefined });
  }
  return changed;
}
