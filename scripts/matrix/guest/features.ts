/** What this kernel has, found by trying: one check for each feature. */
import { features, probe } from "../../../src/kernel/features.ts";
import { emit } from "./emit.ts";

for (const { name, what } of features) {
  const common = { kind: "check", group: "features", name } as const;
  try {
    const result = probe(name);
    if (result.supported) emit({ ...common, status: "accepted", reason: what });
    else emit({ ...common, status: "unsupported", reason: result.reason });
  } catch (cause) {
    const { message, stack = "" } = cause as Error;
    emit({ ...common, status: "failed", reason: `the probe itself failed: ${message}`, details: stack });
  }
}
