/**
 * What this machine permits, found by trying (load plus attach), never by version or configuration. Serves
 * `iovisor doctor`, NotSupported errors, the compiler's choices and the tests' skips. Probes run when asked for and
 * only once per process.
 */
import { IovisorError, NotSupported } from "../errors.ts";
import { type Feature, type FeatureResult, outcomeOf } from "./features/feature.ts";
import { hookFeatures } from "./features/hooks.ts";
import { instructionFeatures } from "./features/instructions.ts";
import { mapFeatures, objectFeatures } from "./features/objects.ts";

export type { Feature, FeatureResult } from "./features/feature.ts";
export { helperFeature } from "./features/helpers.ts";

/** Features by topic, in the order in which `doctor` shows them. */
export const featureGroups: readonly { readonly title: string; readonly features: readonly Feature[] }[] = [
  { title: "basics", features: objectFeatures },
  { title: "hooks", features: hookFeatures },
  { title: "programs", features: instructionFeatures },
  { title: "maps", features: mapFeatures },
];

/** All features. */
export const features: readonly Feature[] = featureGroups.flatMap((group) => group.features);

const byName = new Map(features.map((feature) => [feature.name, feature]));
const results = new Map<string, FeatureResult>();

function featureNamed(name: string): Feature {
  const feature = byName.get(name);
  if (feature) return feature;
  const message = `there is no feature "${name}"`;
  throw new IovisorError("E_USAGE", message, `known are: ${[...byName.keys()].join(", ")}`);
}

/** Is this feature there, and if not, why not? */
export function probe(name: string): FeatureResult {
  const known = results.get(name);
  if (known) return known;
  const feature = featureNamed(name);
  const permission: FeatureResult = name === "bpf" || feature.withoutBpf ? { supported: true } : probe("bpf");
  const result = permission.supported ? outcomeOf(feature.attempt) : permission;
  results.set(name, result);
  return result;
}

/** Is this feature there? */
export function supports(name: string): boolean {
  return probe(name).supported;
}

/** Throws NotSupported, with the reason and the minimum kernel, unless the feature is there. */
export function requireFeature(name: string): void {
  const result = probe(name);
  if (result.supported) return;
  const { what, minimumKernel } = featureNamed(name);
  throw new NotSupported(name, `${what}: ${result.reason}`, { minimumKernel });
}

/** For `test(..., { skip })`: false where all of these features are there, else the reason. */
export function skipWithout(...names: readonly string[]): string | false {
  for (const name of names) {
    const result = probe(name);
    if (!result.supported) return `${name}: ${result.reason}`;
  }
  return false;
}
