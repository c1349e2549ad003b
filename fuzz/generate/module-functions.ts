import type { Context, Place } from "./context.ts";
import type { FunctionDeclaration, Parameter } from "./declarations.ts";
import { limits, narrowNames } from "./integers.ts";
import { returnText } from "./leaving.ts";
import { numberFor } from "./numbers.ts";
import { statements } from "./statements.ts";

/** The functions of a module, each after those that it may call. */
export function declareFunctions(c: Context, packets: boolean): void {
  if (c.random.chance(0.4)) declareGeneric(c);
  for (let count = c.random.below(4); count > 0; count--) declareFunction(c, packets);
}

function declareGeneric(c: Context): void {
  c.coverage.hit("generic function");
  c.line("function choose<T>(first: boolean, a: T, b: T): T {");
  c.line(c.random.chance(0.5) ? "  return first ? a : b;" : "  if (first) return a;\n  return b;");
  c.line("}");
  c.declarations.functions.push({
    name: "choose",
    parameters: [],
    returns: "void",
    effects: true,
    helpers: true,
    storage: Number.POSITIVE_INFINITY,
    rounds: 1,
  });
}

function parameters(c: Context, packets: boolean): readonly Parameter[] {
  const made: Parameter[] = [];
  if (packets && c.random.chance(0.4)) made.push({ kind: "packet", name: "packet" });
  for (let count = c.random.below(3); count > 0; count--) {
    made.push({ kind: "scalar", name: c.fresh("a"), type: c.random.pick([...narrowNames, "u64", "i64", "bool"]) });
  }
  const structs = c.declarations.structs.filter(({ kind }) => kind === "struct");
  if (structs.length > 0 && c.random.chance(0.3)) {
    const region = c.random.pick(["packet", "map", "any"] as const);
    made.push({ kind: "ref", name: c.fresh("a"), layout: c.random.pick(structs), region });
  }
  if (c.random.chance(0.2)) {
    const [takes, gives] = [c.random.pick(["u8", "u16", "u32"] as const), c.random.pick(["u8", "u16", "u32"] as const)];
    made.push({ kind: "callback", name: c.fresh("f"), takes, gives });
  }
  return made;
}

function parameterText(parameter: Parameter): string {
  switch (parameter.kind) {
    case "scalar":
      return `${parameter.name}: ${parameter.type === "bool" ? "boolean" : parameter.type}`;
    case "packet":
      return `${parameter.name}: Packet`;
    case "ref": {
      const type = `TypeOf<typeof ${parameter.layout.name}>`;
      const wrapped = { packet: `View<${type}>`, map: `Ref<${type}>`, any: type };
      return `${parameter.name}: ${wrapped[parameter.region]}`;
    }
    case "callback":
      return `${parameter.name}: (x: ${parameter.takes}) => ${parameter.gives}`;
  }
}

function bind(c: Context, parameter: Parameter): void {
  const { name } = parameter;
  switch (parameter.kind) {
    case "scalar": {
      const { type } = parameter;
      if (type === "bool") c.declare({ kind: "bool", name, mutable: false });
      else if (type === "u64" || type === "i64") c.declare({ kind: "wide", name, type, mutable: false });
      else c.declare({ kind: "number", name, range: limits[type], brand: type, mutable: false });
      return;
    }
    case "ref": {
      const epoch = parameter.region === "packet" ? c.packetEpoch : c.mapEpoch;
      // Of a reference to anything, only what all regions allow is known.
      const region = parameter.region === "any" ? "packet" : parameter.region;
      c.declare({
        kind: "ref",
        name,
        layout: parameter.layout,
        region,
        epoch: parameter.region === "any" ? c.packetEpoch : epoch,
      });
      return;
    }
    case "packet":
    case "callback":
      return;
  }
}

function resultType(returns: FunctionDeclaration["returns"]): string {
  if (returns === "bool") return "boolean";
  if (returns === "verdict") return "Verdict";
  return returns === "optional" ? "u32 | undefined" : returns;
}

function declareFunction(c: Context, packets: boolean): void {
  const made = parameters(c, packets);
  const packet = made.some(({ kind }) => kind === "packet") ? "packet" : undefined;
  const returns = c.random.pick<FunctionDeclaration["returns"]>([
    ...narrowNames,
    "u64",
    "i64",
    "bool",
    "void",
    "optional",
    ...(packet ? (["verdict"] as const) : []),
  ]);
  const callback = made.find((one) => one.kind === "callback");
  const effects = !callback && c.random.chance(0.45);
  const name = c.fresh("helper");
  const [storage, budget, packetEpoch, mapEpoch] = [c.storage, c.statements, c.packetEpoch, c.mapEpoch];
  c.statements = c.random.between(1, 6);
  const arrow = c.random.chance(0.25);
  const signature = `(${made.map(parameterText).join(", ")}): ${resultType(returns)}`;
  c.coverage.hit("function", `function of ${returns}`, ...made.map(({ kind }) => `parameter: ${kind}`));
  if (arrow) c.coverage.hit("function: arrow");
  c.line(arrow ? `const ${name} = ${signature} => {` : `function ${name}${signature} {`);
  const place: Partial<Place> = { packet, returns, effects };
  c.separate(() => {
    for (const parameter of made) bind(c, parameter);
    if (callback) useCallback(c, callback);
    statements(c, 4);
    if (returns !== "void") c.line(returnText(c, 2));
  }, place);
  c.line(arrow ? "};" : "}");
  const used = storage - c.storage;
  c.storage = storage;
  c.statements = budget;
  const changed = c.packetEpoch !== packetEpoch || c.mapEpoch !== mapEpoch;
  c.declarations.functions.push({
    name,
    parameters: made,
    returns,
    effects: changed,
    helpers: true,
    storage: used,
    rounds: 40,
  });
}

function useCallback(c: Context, { name, takes, gives }: Extract<Parameter, { kind: "callback" }>): void {
  const variable = c.fresh(gives);
  c.coverage.hit("callback call");
  c.line(`const ${variable}: ${gives} = ${name}(${numberFor(c, takes, 2)});`);
  c.declare({ kind: "number", name: variable, range: limits[gives], brand: gives, mutable: false });
}
