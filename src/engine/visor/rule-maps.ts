import { beginAt, writeHalf } from "../../compiler/match/rule-data.ts";
import { halvesOffset, rootOffset } from "../../compiler/match/rule-layout.ts";
import { GracePeriod } from "../../kernel/grace-period.ts";
import { KernelMap, type MapView } from "../../kernel/maps.ts";
import type { InstanceMap, InstanceMaps } from "./instance-maps.ts";
import type { RuleList } from "./rule-lists.ts";

/** What tells whether rules that were written beside others are in force: the word that packets begin at. */
export interface RuleMark {
  readonly pin: string;
  readonly root: number;
}

/** Other rules beside those in force. */
export interface StagedRules {
  readonly mark: RuleMark;
  /** The moment at which packets meet them: one store. */
  commit(): void;
  /** Lets packets meet the rules of before again. */
  revert(): void;
}

interface Place {
  readonly view: MapView;
  readonly grace: GracePeriod;
}

/**
 * Changes rules in the maps that programs walk. Each map has room for two lists; a list is written where no packet can
 * be, and one store lets packets begin there.
 */
export class RuleMaps {
  #places = new Map<string, Place>();

  /** Follows the maps that are live. The views close with the maps. */
  follow(maps: ReadonlyMap<string, InstanceMaps>): void {
    const places = new Map<string, Place>();
    for (const { declaration, map, pin } of [...maps.values()].flatMap((own) => [...own.values()])) {
      if (declaration.rules) places.set(pin, this.#places.get(pin) ?? opened(map));
    }
    this.#places = places;
  }

  /** Undefined where it cannot be known when the room is free. */
  stage({ declaration, pin }: InstanceMap, { encoded }: RuleList): StagedRules | undefined {
    const place = this.#places.get(pin);
    const size = declaration.rules?.half;
    if (!place?.view.writable || size === undefined || !place.grace.wait()) return undefined;
    const { bytes } = place.view;
    const before = rootOf(bytes);
    const half = before < halvesOffset + size ? 1 : 0;
    const root = writeHalf(bytes, encoded, { half, size });
    const go = (to: number): void => {
      beginAt(bytes, to);
      place.grace.begin();
    };
    return { mark: { pin, root }, commit: () => go(root), revert: () => go(before) };
  }
}

/** Packets may still be in the half that a process before left. */
function opened(map: KernelMap): Place {
  const grace = new GracePeriod();
  grace.begin();
  return { view: map.view(), grace };
}

function rootOf(bytes: Uint8Array): number {
  return Atomics.load(new Uint32Array(bytes.buffer, bytes.byteOffset, 1), rootOffset);
}

/** Whether marked rules are in force. */
export function isInForce({ pin, root }: RuleMark, exists: (pin: string) => boolean): boolean {
  if (!exists(pin)) return false;
  using map = KernelMap.fromPin(pin);
  const value = map.lookup(new Uint8Array(4));
  return value !== undefined && new DataView(value.buffer, value.byteOffset).getUint32(rootOffset, true) === root;
}
