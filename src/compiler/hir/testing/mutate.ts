import type { Random } from "./random.ts";

/**
 * A damaged HIR file: sometimes bytes of the text change, mostly values of the JSON do, so that the damage gets past
 * the parser and tests what is behind it.
 */
export function mutate(text: string, random: Random): string {
  if (random.chance(0.15)) return mutateText(text, random);
  const file = JSON.parse(text) as unknown;
  const places = collect(file);
  const changes = 1 + random.below(3);
  for (let change = 0; change < changes; change++) {
    const place = random.pick(places);
    place.set(changed(place.value, places, random));
  }
  return JSON.stringify(file);
}

function mutateText(text: string, random: Random): string {
  const at = random.below(text.length);
  switch (random.below(3)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + String.fromCharCode(random.below(128)) + text.slice(at + 1);
    default:
      return text.slice(0, at) + text.slice(at + random.below(40));
  }
}

interface Place {
  readonly value: unknown;
  readonly set: (value: unknown) => void;
}

/** Every value inside of a JSON value, with a way to replace it. */
function collect(value: unknown, places: Place[] = []): Place[] {
  if (typeof value !== "object" || value === null) return places;
  const object = value as Record<string, unknown>;
  for (const key of Object.keys(object)) {
    places.push({
      value: object[key],
      set: (replacement) => {
        if (replacement === undefined && !Array.isArray(object)) delete object[key];
        else object[key] = replacement;
      },
    });
    collect(object[key], places);
  }
  return places;
}

const oddities: readonly unknown[] = [
  ...[null, true, -1, 0, 1, 1.5, 2 ** 31, 2 ** 53, 1e300, "", "x", "__proto__", [], {}],
  ...[
    { "#": "0" },
    { "#": "-1" },
    { "#": "18446744073709551615" },
    { "#": "99999999999999999999" },
    { "@": 0 },
    { "@": 1 },
  ],
];

function changed(value: unknown, places: readonly Place[], random: Random): unknown {
  if (typeof value === "number" && random.chance(0.6)) return value + random.pick([-2, -1, 1, 2, 8, 1000]);
  if (Array.isArray(value) && value.length > 0 && random.chance(0.5)) return shuffled(value, random);
  switch (random.below(4)) {
    case 0:
      return random.pick(oddities);
    case 1:
      return undefined;
    default:
      // A value from elsewhere in the file is often of the right form.
      return structuredClone(random.pick(places).value);
  }
}

function shuffled(list: readonly unknown[], random: Random): unknown[] {
  const at = random.below(list.length);
  const other = random.below(list.length);
  if (random.chance(0.5)) return list.filter((_, index) => index !== at);
  return list.map((item, index) => (index === at ? list[other] : index === other ? list[at] : item));
}
