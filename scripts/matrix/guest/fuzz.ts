/** Generated programs in this kernel: each is compiled for what the kernel can do and loaded for each of its hooks. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { deserialize } from "node:v8";
import { readModule } from "../../../src/compiler/hir/serialise.ts";
import { loadModule } from "../../../src/engine/load.ts";
import { type FuzzProgram, jobFolder } from "../records.ts";
import { check } from "./emit.ts";
import { placesOf } from "./job.ts";

for (const { name, hir, given } of deserialize(readFileSync(join(jobFolder, "fuzz"))) as FuzzProgram[]) {
  check("fuzz", name, () => {
    const module = readModule(hir);
    loadModule(module, placesOf(module), { settings: given })[Symbol.dispose]();
    return undefined;
  });
}
