import type { SettingValues } from "../compiler/hir/settings.ts";
import { rulesOfSets, setOfRules } from "../compiler/hir/specialise-rules.ts";
import type { Module, SettingDeclaration, SettingValue } from "../compiler/hir/tree.ts";
import { type EncodedRules, encodeRules } from "../compiler/match/encode-rules.ts";
import { fillHalf, fits, type RuleData } from "../compiler/match/rule-data.ts";
import { GracePeriod } from "../kernel/grace-period.ts";
import type { KernelMap, MapView } from "../kernel/maps.ts";

/** A map of rules that programs of the kernel walk. */
interface LiveList {
  readonly data: RuleData;
  readonly view: MapView;
  /** The half that packets look at. */
  half: 0 | 1;
  readonly grace: GracePeriod;
}

/**
 * Rules of loaded programs that are data, changed in place: the new list is written beside the old one, and one store
 * lets packets begin there. Each packet meets one list, whole. The place of the old one is used again only when no
 * packet can be on it any more.
 */
export class LiveRules {
  readonly #lists: readonly LiveList[];

  /** The maps' views close with the maps. */
  constructor(module: Module, maps: ReadonlyMap<string, KernelMap>) {
    this.#lists = module.maps.flatMap(({ name, rules }): LiveList[] => {
      const map = maps.get(name);
      return rules && map ? [{ data: rules, view: map.view(), half: 0, grace: new GracePeriod() }] : [];
    });
  }

  /** Whether the rules of a list or a set are here. */
  has(setting: string): boolean {
    return this.#lists.some(({ data }) => data.setting === setting || setOfRules(data.setting) === setting);
  }

  /**
   * What writes new values of these settings; undefined where they do not fit, or where it cannot be known when the
   * room for them is free.
   */
  plan(module: Module, values: SettingValues, changed: readonly string[]): (() => void) | undefined {
    const declared = module.settings.map((one): SettingDeclaration => ({ ...one, default: values[one.name]! }));
    const settings = [...declared, ...rulesOfSets(declared)];
    const writes: { readonly list: LiveList; readonly encoded: EncodedRules }[] = [];
    for (const list of this.#lists) {
      const { data } = list;
      if (!changed.some((name) => data.setting === name || setOfRules(data.setting) === name)) continue;
      const setting = settings.findIndex((one) => one.name === data.setting);
      const encoded = encodeRules(settings, setting, data.separating);
      if (!fits(data, encoded) || !list.grace.wait()) return undefined;
      writes.push({ list, encoded });
    }
    return () => {
      for (const { list, encoded } of writes) write(list, encoded);
    };
  }
}

function write(list: LiveList, encoded: EncodedRules): void {
  list.half = list.half === 0 ? 1 : 0;
  fillHalf(list.view.bytes, encoded, { half: list.half, size: list.data.half });
  list.grace.begin();
}

/** Names of the settings that have another value. */
export function changedSettings(before: SettingValues, after: SettingValues): readonly string[] {
  return Object.keys(after).filter((name) => !sameValue(before[name], after[name]));
}

function sameValue(a: SettingValue | undefined, b: SettingValue | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object") return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((one, at) => sameValue(one, b[at]));
  }
  const [left, right] = [a, b] as readonly { readonly [name: string]: SettingValue }[];
  const names = Object.keys(left!);
  return names.length === Object.keys(right!).length && names.every((name) => sameValue(left![name], right![name]));
}
