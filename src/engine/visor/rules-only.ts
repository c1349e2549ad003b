import { isDeepStrictEqual } from "node:util";
import { type InstanceMap, onlyOtherRules } from "./instance-maps.ts";
import type { Prepared } from "./prepare.ts";
import type { RuleMaps, StagedRules } from "./rule-maps.ts";
import { floodGroups, type LiveState, mapRecords } from "./transaction.ts";

/** A revision that needs one store to be live. */
export interface StagedRuleChange extends StagedRules {
  readonly live: LiveState;
}

/** Writes other rules beside those that are live, where the rules of one map are all that a revision changes. */
export function stageRules(live: LiveState, next: Prepared, maps: RuleMaps): StagedRuleChange | undefined {
  if (!samePrograms(live, next)) return undefined;
  const changed = changedRules(live, next);
  // Two stores would let a packet meet the one change without the other.
  if (changed?.length !== 1) return undefined;
  const { instance, name } = changed[0]!;
  const list = next.numbered.instances.get(instance)!.rules.get(name)!;
  const own = live.maps.get(instance)!;
  const old = own.get(name)!;
  const staged = maps.stage(old, list);
  if (!staged) return undefined;
  const map: InstanceMap = { ...old, contents: list.fingerprint };
  const after = new Map([...live.maps, [instance, new Map([...own, [name, map]])]]);
  const record = { ...live.record, identities: next.identities, maps: mapRecords(after) };
  return { ...staged, live: { ...live, record, maps: after } };
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

function changedRules(
  live: LiveState,
  next: Prepared,
): readonly { readonly instance: string; readonly name: string }[] | undefined {
  if (live.maps.size !== next.numbered.instances.size) return undefined;
  const changed: { readonly instance: string; readonly name: string }[] = [];
  for (const [instance, { node, tables, rules }] of next.numbered.instances) {
    const before = live.maps.get(instance);
    const names = before && onlyOtherRules({ module: node.module, tables, rules, before });
    if (!names) return undefined;
    for (const name of names) changed.push({ instance, name });
  }
  return changed;
}
