import { probe } from "../../kernel/features.ts";
import { exitCodes } from "../exit-codes.ts";
import { paint } from "../terminal.ts";
import { showAll } from "./stage.ts";

/**
 * Shows on this machine what IO Visor does: in the kernel where that is permitted, else the same packet functions in
 * the virtual machine. Gives the exit code: 0 only if everything held.
 */
export async function runDemo(): Promise<number> {
  const permission = probe("bpf");
  const held = permission.supported ? await inKernel() : await inMachine(permission.reason);
  console.log(held ? paint("green", "\nall of it held") : paint("red", "\nnot all of it held"));
  return held ? exitCodes.ok : exitCodes.failed;
}

async function inKernel(): Promise<boolean> {
  console.log("IO Visor demo: TypeScript functions in the running kernel, on networks made for the purpose");
  const { kernelStages } = await import("./kernel/stages.ts");
  return showAll(kernelStages());
}

async function inMachine(reason: string): Promise<boolean> {
  console.log(`IO Visor demo in the virtual machine, since eBPF is not permitted here: ${reason}`);
  const { machineStages } = await import("./machine/stages.ts");
  return showAll(machineStages());
}
