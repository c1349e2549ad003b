import { existsSync, readFileSync } from "node:fs";
import { arch, release } from "node:os";

/** Something about the machine that decides what it permits. */
export interface Fact {
  readonly what: string;
  readonly value: string;
  readonly good: boolean;
}

/** The oldest kernel that is promised. */
const oldestKernel = [6, 1] as const;

/** What does not need to be tried. */
export function machineFacts(): readonly Fact[] {
  return [kernel(), architecture(), node(), rights(), justInTime(), typeInformation()];
}

function kernel(): Fact {
  const [major = 0, minor = 0] = release().split(/[.-]/).map(Number);
  const good = major > oldestKernel[0] || (major === oldestKernel[0] && minor >= oldestKernel[1]);
  return {
    what: "kernel",
    value: good ? release() : `${release()}; ${oldestKernel.join(".")} is the oldest promised`,
    good,
  };
}

function architecture(): Fact {
  const good = ["x64", "arm64"].includes(arch());
  return { what: "architecture", value: good ? arch() : `${arch()} has not been tried`, good };
}

function node(): Fact {
  return { what: "Node", value: process.version, good: Number(process.versions.node.split(".")[0]) >= 24 };
}

/** Bits of the effective capability set (include/uapi/linux/capability.h). */
const capabilities = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const;

function rights(): Fact {
  const line = /^CapEff:\s*([0-9a-f]+)/m.exec(readText("/proc/self/status") ?? "");
  const held = BigInt(`0x${line?.[1] ?? "0"}`);
  const missing = Object.entries(capabilities).flatMap(([name, bit]) => ((held >> BigInt(bit)) & 1n ? [] : [name]));
  const user = process.geteuid?.() === 0 ? "root" : `user ${process.geteuid?.()}`;
  const value =
    missing.length === 0 ? `${user}, with all capabilities that are used` : `${user}, without ${missing.join(", ")}`;
  return { what: "rights", value, good: missing.length === 0 };
}

function justInTime(): Fact {
  const value = readText("/proc/sys/net/core/bpf_jit_enable")?.trim();
  const words: Readonly<Record<string, string>> = {
    "0": "off: programs are interpreted",
    "1": "on",
    "2": "on, debugging",
  };
  return {
    what: "just-in-time compiler",
    value: words[value ?? ""] ?? "unknown",
    good: value === "1" || value === "2",
  };
}

function typeInformation(): Fact {
  const good = existsSync("/sys/kernel/btf/vmlinux");
  return { what: "kernel types (BTF)", value: good ? "there" : "missing: no typed tracepoints", good };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
