/** Programs: what they are (spec), the object in the kernel, and what the verifier says. */
export * from "./programs/contexts.ts";
export type { ProgramDump, ProgramInfo } from "./programs/info.ts";
export type { ProgramLoadSettings } from "./programs/load.ts";
export { enableStatistics, KernelProgram, objectIds } from "./programs/program.ts";
export * from "./programs/spec.ts";
export type { TestRunOptions, TestRunResult } from "./programs/test-run.ts";
export { VerifierError } from "./programs/verifier-error.ts";
export * from "./programs/verifier-log.ts";
