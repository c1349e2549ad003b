import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Module, Program } from "../../../src/compiler/hir/tree.ts";
import { type Hook, hooks } from "../../../src/language/kinds.ts";
import { type Job, jobFolder, secondsWord } from "../records.ts";

/** How long the checks may take. */
export function secondsGiven(): number {
  const words = readFileSync("/proc/cmdline", "utf8").trim().split(" ");
  const word = words.find((one) => one.startsWith(`${secondsWord}=`)) ?? "";
  return Number(word.slice(secondsWord.length + 1));
}

export function readJob(): Job {
  return JSON.parse(readFileSync(join(jobFolder, "job.json"), "utf8")) as Job;
}

/** Every program of a module at every hook that takes it. */
export function placesOf(module: Module): readonly { readonly program: Program; readonly hook: Hook }[] {
  return module.programs.flatMap((program) =>
    Object.values<Hook>(hooks)
      .filter((hook) => hook.kind === program.kind)
      .map((hook) => ({ program, hook })),
  );
}
