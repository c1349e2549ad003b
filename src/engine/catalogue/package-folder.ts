import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/**
 * The folder of an npm package that files in a folder can see. Found by its package.json as Node finds packages, but
 * for `exports`: a function is its folder, and need not say what is in it.
 */
export function packageFolder(name: string, from: string): string | undefined {
  if (!/^(@[\w.~-]+\/)?[\w~-][\w.~-]*$/.test(name)) return undefined;
  const places = createRequire(join(from, "graph.js")).resolve.paths(name) ?? [];
  return places.map((place) => join(place, name)).find((folder) => existsSync(join(folder, "package.json")));
}
