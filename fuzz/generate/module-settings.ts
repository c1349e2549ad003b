import type { Context } from "./context.ts";
import type { Matcher, PlainField, Setting } from "./declarations.ts";
import { limits, type Narrow, narrowNames } from "./integers.ts";

/** What is written in the declaration, and a value to run with (JSON; bigints as text). */
interface Made {
  readonly text: string;
  readonly given: unknown;
  readonly settings: readonly Setting[];
}

/** The `config` of a module; the result is the values that the program is to be run with. */
export function declareSettings(c: Context): Readonly<Record<string, unknown>> {
  if (c.random.chance(0.3)) return {};
  const given: Record<string, unknown> = {};
  const lines: string[] = [];
  for (let count = c.random.between(1, 5); count > 0; count--) {
    const name = c.fresh("option");
    const made = c.random.weighted<(c: Context, path: string) => Made>([
      [4, integerSetting],
      [2, wideSetting],
      [2, boolSetting],
      [2, choiceSetting],
      [2, groupSetting],
      [3, rulesSetting],
      [2, setSetting],
    ])(c, `settings.${name}`);
    lines.push(`  ${name}: ${made.text},`);
    if (c.random.chance(0.7)) given[name] = made.given;
    c.declarations.settings.push(...made.settings);
  }
  c.line("export const settings = config({");
  for (const line of lines) c.line(line);
  c.line("});");
  return given;
}

function valueOf(c: Context, type: Narrow | "u64" | "i64"): bigint {
  const bits = c.random.interesting(64);
  const { low, high } = limits[type];
  const span = high - low + 1n;
  return low + (bits % span);
}

function integerSetting(c: Context, path: string): Made {
  const brand = c.random.pick(narrowNames);
  const range = limits[brand];
  if (c.random.chance(0.3)) {
    const high = range.high < 100n ? range.high : 100n;
    c.coverage.hit("setting with limits");
    return {
      text: `${brand}.between(1, ${high}).default(${c.random.between(1, Number(high))}, "a bounded number")`,
      given: c.random.between(1, Number(high)),
      settings: [{ kind: "number", path, brand, range: { low: 1n, high } }],
    };
  }
  return {
    text: `${brand}.default(${valueOf(c, brand)}, "a number")`,
    given: String(valueOf(c, brand)),
    settings: [{ kind: "number", path, brand, range }],
  };
}

function wideSetting(c: Context, path: string): Made {
  const type = c.random.pick(["u64", "i64"] as const);
  const value = valueOf(c, type);
  return {
    text: `${type}.default(${value === limits.i64.low ? 0n : value}n)`,
    given: String(valueOf(c, type)),
    settings: [{ kind: "wide", path, type }],
  };
}

function boolSetting(c: Context, path: string): Made {
  return {
    text: `bool.default(${c.random.chance(0.5)}, "a switch")`,
    given: c.random.chance(0.5),
    settings: [{ kind: "bool", path }],
  };
}

function choiceSetting(c: Context, path: string): Made {
  const names = ["low", "middle", "high"];
  if (c.random.chance(0.4)) {
    c.coverage.hit("setting oneOf numbers");
    return {
      text: `oneOf({ low: 1, middle: 20, high: 300 }).default("${c.random.pick(names)}")`,
      given: c.random.pick(names),
      settings: [],
    };
  }
  return {
    text: `oneOf("low", "middle", "high").default("${c.random.pick(names)}", "a level")`,
    given: c.random.pick(names),
    settings: [{ kind: "choice", path, names }],
  };
}

function groupSetting(c: Context, path: string): Made {
  const parts = ["first", "second"].map((name) => ({ name, made: integerSetting(c, `${path}.${name}`) }));
  c.coverage.hit("setting group");
  return {
    text: `{ ${parts.map(({ name, made }) => `${name}: ${made.text}`).join(", ")} }`,
    given: Object.fromEntries(parts.map(({ name, made }) => [name, made.given])),
    settings: parts.flatMap(({ made }) => made.settings),
  };
}

const matcherForms = {
  exact: { text: "exact(u8)", subject: "u8" },
  exactWide: { text: "exact(u16)", subject: "u16" },
  range: { text: "between(u16)", subject: "u16" },
  rangeWide: { text: "between(u32)", subject: "u32" },
  anyOf: { text: "anyOf(u8)", subject: "u8" },
  prefix: { text: "prefix(cidr4)", subject: "u32" },
  address: { text: "exact(ipv4)", subject: "u32" },
} as const satisfies Record<string, { text: string; subject: Matcher["subject"] }>;
type MatcherForm = keyof typeof matcherForms;

function address(c: Context): string {
  return c.random.pick(["10.0.0.1", "10.0.0.2", "192.0.2.1", "0.0.0.0", "255.255.255.255", "10.1.2.3"]);
}

function matcherValue(c: Context, form: MatcherForm): unknown {
  switch (form) {
    case "exact":
      return c.random.pick([0, 1, 6, 17, 255, c.random.below(256)]);
    case "exactWide":
      return c.random.pick([0, 53, 80, 443, 65535, c.random.below(65536)]);
    case "range": {
      const low = c.random.below(2000);
      return { low, high: low + c.random.below(3000) };
    }
    case "rangeWide": {
      const low = c.random.u32() >>> 1;
      return { low, high: low + c.random.below(2 ** 31) };
    }
    case "anyOf":
      return Array.from({ length: c.random.between(1, 5) }, () => c.random.below(256));
    case "prefix":
      return c.random.pick(["10.0.0.0/8", "10.0.0.0/24", "192.0.2.0/24", "0.0.0.0/0", "10.0.0.1/32", "128.0.0.0/1"]);
    case "address":
      return address(c);
  }
}

function rulesSetting(c: Context, path: string): Made {
  const forms = (Object.keys(matcherForms) as MatcherForm[]).filter(() => c.random.chance(0.4));
  if (forms.length === 0) forms.push("exact");
  const plain: PlainField[] = [
    { name: "mark", type: c.random.pick(["u32", "u16", "u8"]) },
    { name: "allow", type: "choice", names: ["yes", "no"] },
  ];
  const fields = forms.map((form, index) => ({ name: `f${index}`, form }));
  const item = (): unknown => ({
    ...Object.fromEntries(
      fields.filter(() => c.random.chance(0.8)).map(({ name, form }) => [name, matcherValue(c, form)]),
    ),
    mark: c.random.below(256),
    allow: c.random.pick(["yes", "no"]),
  });
  const declared = fields.map(({ name, form }) => `${name}: ${matcherForms[form].text}`);
  c.coverage.hit("setting list of rules", ...forms.map((form) => `matcher ${matcherForms[form].text}`));
  const texts = [...declared, `mark: ${plain[0]!.type}`, 'allow: oneOf("yes", "no")'];
  return {
    text: `list(rule({ ${texts.join(", ")} }), "rules")`,
    given: Array.from({ length: c.random.pick([0, 1, 2, 5, 20, 60]) }, item),
    settings: [
      {
        kind: "rules",
        path,
        matchers: fields.map(({ name, form }) => ({ name, subject: matcherForms[form].subject })),
        plain,
      },
    ],
  };
}

function setSetting(c: Context, path: string): Made {
  const form = c.random.pick(["exact", "exactWide", "prefix"] as const);
  c.coverage.hit(`set of ${matcherForms[form].text}`);
  return {
    text: `set(${matcherForms[form].text}, "values")`,
    given: Array.from({ length: c.random.pick([0, 1, 3, 20]) }, () => matcherValue(c, form)),
    settings: [{ kind: "set", path, subject: matcherForms[form].subject }],
  };
}
