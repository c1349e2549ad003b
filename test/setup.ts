/** Preloaded by `npm test` into every process that runs a kernel test: a descriptor still open at its end fails it. */
import { leakedDescriptors } from "../src/kernel/sys/descriptor.ts";

process.on("exit", () => {
  const leaked = leakedDescriptors();
  if (leaked.length === 0) return;
  console.error(`${leaked.length} descriptors leaked:\n${leaked.join("\n")}`);
  process.exitCode = 1;
});
