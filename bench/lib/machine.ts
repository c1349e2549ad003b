/** What the figures were measured on, and where this thread runs. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { supports } from "../../src/kernel/features.ts";
import { clangVersion } from "./clang.ts";

export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly clang: string;
  readonly jit: boolean;
  readonly isa: "v3" | "v4";
  /** Load average over the last minute at the start: figures of a busy machine are worth less. */
  readonly load: number;
}

export function machineFacts(): MachineFacts {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    clang: attempt(clangVersion) ?? "none",
    jit: attempt(() => readFileSync("/proc/sys/net/core/bpf_jit_enable", "utf8").trim()) !== "0",
    isa: supports("isa-v4") ? "v4" : "v3",
    load: loadavg()[0] ?? 0,
  };
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Binds the main thread of a process (by default this one), or all of its threads, to a processor. */
export function pinTo(cpu: number, pid: number = process.pid, options: { readonly allThreads?: boolean } = {}): void {
  const flags = options.allThreads ? ["-a", "-p", "-c"] : ["-p", "-c"];
  execFileSync("taskset", [...flags, String(cpu), String(pid)], { stdio: "ignore" });
}
