import { importGraph } from "../../scripts/test/imports.ts";
import { isTest, type Project } from "./project.ts";

/**
 * What each layer (a folder of src, or a file in it) may import besides itself. Down only: the first line stands on
 * nothing.
 */
const layers: Readonly<Record<string, readonly string[]>> = {
  "errors.ts": [],
  capture: ["errors.ts"],
  bytecode: ["errors.ts"],
  // What kernel code imports; nothing but declarations and constants, since it must mean the same everywhere.
  language: [],
  // An interpreter of bytecode: needs no kernel and no root.
  vm: ["errors.ts", "bytecode", "language"],
  // Runs without a kernel (on a build machine, in an editor): kernel BTF reaches it as data.
  compiler: ["errors.ts", "bytecode", "language"],
  // Loads what it is given, whoever made it.
  kernel: ["errors.ts", "bytecode", "language"],
  engine: ["errors.ts", "capture", "bytecode", "language", "vm", "compiler", "kernel"],
  functions: ["errors.ts", "capture", "language", "engine"],
  api: ["errors.ts"],
  // The kernel knows who is at the other end of a socket, and holds the lock of a data path.
  daemon: ["errors.ts", "api", "kernel", "engine", "functions"],
  "index.ts": ["errors.ts", "capture", "bytecode", "language", "vm", "compiler", "kernel", "engine"],
  cli: [
    ...["errors.ts", "capture", "bytecode", "language", "vm", "compiler", "kernel", "engine"],
    ...["functions", "api", "daemon", "index.ts"],
  ],
};

/** Packages that only one place may import, so that they can be replaced there. */
const packageHomes: readonly { readonly name: string; readonly home: RegExp }[] = [
  { name: "typescript", home: /^src\/compiler\/frontend\// },
  { name: "yaml", home: /^src\/engine\/graph\/source\.ts$/ },
  { name: "ajv", home: /^src\/engine\/catalogue\/json-schema\.ts$/ },
  { name: "node:sqlite", home: /^src\/engine\/store\// },
  { name: "fastify", home: /^src\/daemon\// },
  { name: "@fastify/swagger", home: /^src\/daemon\/app\.ts$/ },
  { name: "pino", home: /^src\/daemon\/log\.ts$/ },
  { name: "typebox", home: /^src\/(api|daemon)\// },
  { name: "koffi", home: /^src\/kernel\/sys\/native\.ts$/ },
];

/** Imports against the layers. Tests may look anywhere: they hold one layer against another. */
export function layerViolations(project: Project): string[] {
  const violations: string[] = [];
  for (const [path, imports] of importGraph(project)) {
    const layer = layerOf(path);
    if (layer === undefined || isTest(path)) continue;
    const allowed = layers[layer];
    if (allowed === undefined) {
      violations.push(`${path}: src/${layer} is not in the table of layers (test/tidy/layers.ts)`);
      continue;
    }
    for (const imported of imports) {
      const target = layerOf(imported);
      const fits = target === undefined || target === layer || allowed.includes(target);
      if (!fits) violations.push(`${path} imports ${imported}: ${layer} may not import ${target}`);
    }
  }
  return violations;
}

/** The demo shows the examples, and its types and its capture are theirs: nothing else in src looks outside of src. */
const showsExamples = /^src\/cli\/demo\//;

/** Restricted packages imported elsewhere, and anything in src that imports from outside of src. */
export function packageViolations(project: Project): string[] {
  const violations: string[] = [];
  for (const [path, imports] of importGraph(project)) {
    if (!path.startsWith("src/") || isTest(path)) continue;
    for (const imported of imports) {
      const restricted = packageHomes.find(({ name }) => imported === name || imported.startsWith(`${name}/`));
      if (restricted && !restricted.home.test(path)) violations.push(`${path} imports ${imported}`);
      const outside = /^(?:test|scripts|bench|fuzz|examples|\.\.)(?:\/|$)/.test(imported);
      const shown = showsExamples.test(path) && imported.startsWith("examples/");
      if (outside && !shown) violations.push(`${path} imports ${imported}`);
    }
  }
  return violations;
}

/** Dependencies that nothing imports, and imports of packages that package.json does not name. */
export function dependencyViolations(project: Project): string[] {
  const manifest = JSON.parse(project.get("package.json") ?? "{}") as Record<string, Record<string, string>>;
  const named = new Set([
    ...Object.keys(manifest["dependencies"] ?? {}),
    ...Object.keys(manifest["devDependencies"] ?? {}),
  ]);
  const violations: string[] = [];
  const used = new Set<string>();
  for (const [path, imports] of importGraph(project)) {
    for (const imported of imports) {
      const name = packageOf(imported, project);
      if (name === undefined) continue;
      used.add(name);
      if (!named.has(name)) violations.push(`${path} imports ${name}, which package.json does not name`);
    }
  }
  for (const name of Object.keys(manifest["dependencies"] ?? {})) {
    if (!used.has(name)) violations.push(`package.json: nothing imports the dependency ${name}`);
  }
  return violations;
}

/** Dependencies without a word in ARCHITECTURE.md on what they are for. */
export function unexplainedDependencies(project: Project): string[] {
  const manifest = JSON.parse(project.get("package.json") ?? "{}") as Record<string, Record<string, string>>;
  const text = project.get("ARCHITECTURE.md");
  if (text === undefined) return [];
  const names = ["dependencies", "devDependencies", "optionalDependencies"].flatMap((group) =>
    Object.keys(manifest[group] ?? {}),
  );
  return names.filter((name) => !text.includes(`\`${name}\``)).map((name) => `ARCHITECTURE.md: nothing on ${name}`);
}

interface LockedPackage {
  readonly resolved?: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

/**
 * Packages that the lock file's packages name and that have no entry: then `npm ci` stops. npm leaves out optional ones
 * (other platforms) that its registry does not carry; an entry without `integrity` serves, since it is never fetched.
 */
export function lockViolations(project: Project): string[] {
  const lock = JSON.parse(project.get("package-lock.json") ?? "{}") as { packages?: Record<string, LockedPackage> };
  const packages = lock.packages ?? {};
  return Object.entries(packages).flatMap(([path, entry]) => {
    const named = Object.keys({ ...entry.dependencies, ...entry.devDependencies, ...entry.optionalDependencies });
    const missing = named.filter(
      (name) => !(`node_modules/${name}` in packages || `${path}/node_modules/${name}` in packages),
    );
    return [
      ...missing.map((name) => `package-lock.json: ${path || "the project"} needs ${name}, which has no entry`),
      ...(entry.resolved === undefined ? [] : [`package-lock.json: ${path} names where it came from`]),
    ];
  });
}

function packageOf(imported: string, project: Project): string | undefined {
  if (/^(node:|iovisor(\/|$))/.test(imported) || project.has(imported)) return undefined;
  if (/^(\.|src\/|test\/|scripts\/|bench\/|fuzz\/|examples\/)/.test(imported)) return undefined;
  return imported.split("/", imported.startsWith("@") ? 2 : 1).join("/");
}

function layerOf(path: string): string | undefined {
  return /^src\/(?<layer>[^/]+)/.exec(path)?.groups?.["layer"];
}
