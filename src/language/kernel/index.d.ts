/**
 * The library of kernel code. It exists for the checker and for editors: kernel modules are compiled by IO Visor and
 * never run by Node. docs/language.md is its guide.
 */
export * from "./config.js";
export * from "./connect.js";
export * from "./graph.js";
export * from "./kernel-types.js";
export * from "./layouts.js";
export * from "./maps.js";
export * from "./packet.js";
export * from "./scalars.js";
export * from "./system.js";
export * from "./tracing.js";
