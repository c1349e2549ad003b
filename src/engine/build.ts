import { BtfBuilder } from "../bytecode/btf-builder.ts";
import type { BtfId } from "../bytecode/btf-types.ts";
import { writeObject } from "../bytecode/elf-object.ts";
import type { DataSpec, MapSpec, ProgramSpec } from "../bytecode/object-spec.ts";
import type { CompiledProgram } from "../compiler/compile.ts";
import { typeOfLayout } from "../compiler/emit/types.ts";
import { writeModule } from "../compiler/hir/serialise.ts";
import type { GivenValue } from "../compiler/hir/settings.ts";
import type { MapDeclaration, MapKind, Module } from "../compiler/hir/tree.ts";
import { IovisorError } from "../errors.ts";
import { mapTypes } from "../kernel/sys/bpf.ts";
import { type Compiled, compileModulePrograms } from "./compiled.ts";
import { mapSpec } from "./map-spec.ts";

/** "elf": an object for libbpf, bpftool and other loaders. "hir": what this project reads without TypeScript. */
export type BuildFormat = "elf" | "hir";

/** Maps whose keys and values have types in an object; the others only have sizes. */
const typedKinds: ReadonlySet<MapKind> = new Set([
  "array",
  "hash",
  "lruHash",
  "perCpuArray",
  "perCpuHash",
  "lruPerCpuHash",
  "lpmTrie",
]);

export interface BuildRequest {
  readonly format: BuildFormat;
  readonly settings?: Readonly<Record<string, GivenValue>>;
  /** Names of hooks; by default one for each program: XDP for packet programs. */
  readonly hooks?: readonly string[];
  /** Of ELF objects: the form for programs that are too much for the verifier in the fast one. */
  readonly fewPaths?: boolean;
}

/** A module as the contents of a file. Settings fold into an ELF object; HIR keeps them open. */
export function buildModule(module: Module, request: BuildRequest): Uint8Array {
  const { settings = {} } = request;
  if (request.format === "elf") return elfObject(module, request);
  if (Object.keys(settings).length > 0) {
    throw new IovisorError("E_USAGE", "HIR keeps settings open", "give settings when it is loaded");
  }
  return new TextEncoder().encode(writeModule(module));
}

function elfObject(module: Module, { settings = {}, hooks = [], fewPaths = false }: BuildRequest) {
  const { prepared, programs } = compileModulePrograms(module, { settings, hooks, compile: { fewPaths } });
  const btf = new BtfBuilder();
  return writeObject({
    license: "GPL",
    maps: prepared.module.maps.filter((map) => !map.rules).map((map) => objectMap(btf, prepared.module, map.name)),
    data: prepared.module.maps.flatMap((map) => (map.rules ? [rulesSection(btf, map, map.rules.contents)] : [])),
    programs: programs.map((one) => objectProgram(btf, prepared.module, one, programs)),
    btf,
  });
}

function objectMap(btf: BtfBuilder, module: Module, name: string): MapSpec {
  const declaration = module.maps.find((map) => map.name === name)!;
  const { type, keySize, valueSize, maxEntries, flags = 0 } = mapSpec(module, declaration, new Map());
  const inner = declaration.inner === undefined ? undefined : module.maps[declaration.inner];
  const { key, value } = declaration;
  const typed = typedKinds.has(declaration.kind) && key && value;
  return {
    ...{ name, type: mapTypes[type], keySize, valueSize, maxEntries, flags },
    ...(typed ? { keyType: typeOfLayout(btf, key), valueType: typeOfLayout(btf, value) } : {}),
    ...(inner ? { inner: objectMap(btf, module, inner.name) } : {}),
  };
}

/** Rules that are data are a section: libbpf makes an array of it that holds them. */
function rulesSection(btf: BtfBuilder, { name, value }: MapDeclaration, bytes: Uint8Array): DataSpec {
  const variable = { name: name.replace(/\W/g, "_"), type: typeOfLayout(btf, value!), offset: 0, size: bytes.length };
  return { section: sectionOf(name), bytes, variables: [variable] };
}

function sectionOf(map: string): DataSpec["section"] {
  return `.data.${map.replace(/\W/g, "_")}`;
}

function objectProgram(
  btf: BtfBuilder,
  module: Module,
  { program, hook, code }: Compiled,
  all: readonly Compiled[],
): ProgramSpec {
  const several = all.filter((one) => one.program === program).length > 1;
  const name = several ? `${program.name}_${hook.name}` : program.name;
  const target = program.target === undefined ? "" : `/${program.target.replace(":", "/")}`;
  if (code.kernelFunctions.length > 0) {
    const names = code.kernelFunctions.map((one) => one.name).join(", ");
    throw new IovisorError("E_USAGE", `program ${name} calls kernel functions (${names})`, "build it as HIR instead");
  }
  const holdsRules = (map: string) => module.maps.some((one) => one.name === map && one.rules);
  const direct = code.mapReferences.find(({ map, offset }) => offset !== undefined && !holdsRules(map));
  if (direct) {
    const message = `program ${name} addresses the values of map ${direct.map} directly, which an object cannot say`;
    throw new IovisorError("E_USAGE", message, "build it as HIR instead");
  }
  return {
    name,
    section: `${hook.section}${target}`,
    instructions: code.instructions,
    mapReferences: code.mapReferences.filter(({ map }) => !holdsRules(map)).map(({ slot, map }) => ({ slot, map })),
    dataReferences: code.mapReferences
      .filter(({ map }) => holdsRules(map))
      .map(({ slot, map, offset = 0 }) => ({ slot, section: sectionOf(map), offset })),
    functions: code.functions.map(({ slot, type }, index) => ({
      slot,
      type: copyFunction(btf, code, type, index === 0 ? name : undefined),
    })),
    lines: code.lines,
  };
}

/** The same function type in another set of types. Each program has its own; an object has one for all. */
function copyFunction(btf: BtfBuilder, code: CompiledProgram, id: BtfId, name: string | undefined): BtfId {
  const type = code.btf.type(id);
  if (type?.kind !== "func") throw new Error(`type ${id} is no function`);
  return btf.func(name ?? type.name, copyType(btf, code, type.type), type.linkage);
}

function copyType(btf: BtfBuilder, code: CompiledProgram, id: BtfId): BtfId {
  const type = code.btf.type(id);
  if (!type) return 0; // void
  switch (type.kind) {
    case "ptr":
      return btf.pointer(copyType(btf, code, type.type));
    case "func_proto": {
      const parameters = type.parameters.map((one) => ({ name: one.name, type: copyType(btf, code, one.type) }));
      return btf.prototype(copyType(btf, code, type.result), parameters);
    }
    case "int":
      return btf.add(type);
    case "struct":
      return btf.struct(type.name, 0, []); // contexts: only the name counts
    default:
      throw new Error(`a function's type holds a ${type.kind}`);
  }
}
