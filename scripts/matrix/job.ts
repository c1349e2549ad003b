import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serialize } from "node:v8";
import { writeModule } from "../../src/compiler/hir/serialise.ts";
import { compileSource } from "../../src/engine/source.ts";
import { planTests } from "../test/plan.ts";
import { projectFiles, root } from "../test/project-files.ts";
import type { Group, Job } from "./records.ts";

export interface JobOptions {
  readonly groups: readonly Group[];
  readonly programs: number;
  readonly seed: number;
  /** Kernel tests whose path contains this. */
  readonly tests: string;
}

/**
 * Writes what the guests are to do into a folder. Sources become HIR here: under emulation the TypeScript compiler is
 * ten times slower.
 */
export async function prepareJob(folder: string, options: JobOptions, log: (line: string) => void): Promise<Job> {
  const { groups } = options;
  mkdirSync(folder, { recursive: true });
  const files = projectFiles();
  const tests = groups.includes("tests")
    ? planTests(files, root).kernel.filter((path) => path.includes(options.tests))
    : [];
  const examples = groups.includes("examples") ? exampleNames() : [];
  for (const name of examples) {
    const { module } = await compileSource(join(root, "examples", `${name}.ts`));
    writeFileSync(join(folder, `${name}.hir.json`), writeModule(module));
  }
  if (groups.includes("fuzz")) {
    const started = performance.now();
    const { fuzzSlice } = await import("./slice.ts");
    const programs = fuzzSlice(options.seed, options.programs);
    writeFileSync(join(folder, "fuzz"), serialize(programs));
    log(`generated ${programs.length} programs in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  }
  const job: Job = { groups, tests, examples };
  writeFileSync(join(folder, "job.json"), JSON.stringify(job));
  return job;
}

/** Kernel modules among the examples: neither tests nor host sides. */
function exampleNames(): string[] {
  return readdirSync(join(root, "examples"))
    .filter((name) => name.endsWith(".ts") && !/\.(test|host)\.ts$/.test(name))
    .map((name) => name.slice(0, -".ts".length))
    .sort();
}
