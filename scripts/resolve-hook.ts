/**
 * Makes `iovisor` and `iovisor/...` importable from files outside of the package: a graph or a host side that a user
 * keeps elsewhere. Preloaded with `--import`. They always get the copy that is running, so that there is only one.
 */
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, nextResolve) {
    const ours = specifier === "iovisor" || specifier.startsWith("iovisor/");
    return nextResolve(specifier, ours ? { ...context, parentURL: import.meta.url } : context);
  },
});
