/** The hooks in a table: a new one is a row here, a file beside this one, and a case in attach.ts. */
import { IovisorError } from "../../errors.ts";
import { attachTypes, type ProgramTypeName } from "../sys/bpf.ts";
import type { AttachSpec, HookName } from "./attachment.ts";
import { type CgroupHook, cgroupHooks } from "./cgroup.ts";

/** What the loader, the command line and the documentation need to know about a hook. */
export interface HookRow {
  readonly name: HookName;
  readonly programType: ProgramTypeName;
  /** What a program is loaded with; 0 where the kernel does not ask. */
  readonly expectedAttachType: number;
  /** The oldest kernel with links for this hook. */
  readonly minimumKernel: string;
  /** What follows the colon in "hook:target". */
  readonly target: "device" | "cgroup" | "tracepoint" | "namespace" | "netfilter";
  readonly summary: string;
}

const cgroupProgramTypes: Readonly<Record<CgroupHook, ProgramTypeName>> = {
  "cgroup-connect4": "cgroup_sock_addr",
  "cgroup-connect6": "cgroup_sock_addr",
  "cgroup-bind4": "cgroup_sock_addr",
  "cgroup-bind6": "cgroup_sock_addr",
  "cgroup-sendmsg4": "cgroup_sock_addr",
  "cgroup-sendmsg6": "cgroup_sock_addr",
  "cgroup-recvmsg4": "cgroup_sock_addr",
  "cgroup-recvmsg6": "cgroup_sock_addr",
  "cgroup-skb-ingress": "cgroup_skb",
  "cgroup-skb-egress": "cgroup_skb",
  "cgroup-sock-create": "cgroup_sock",
  "cgroup-sock-ops": "sock_ops",
};

const cgroupRows = (Object.keys(cgroupHooks) as CgroupHook[]).map(
  (name): HookRow => ({
    name,
    programType: cgroupProgramTypes[name],
    expectedAttachType: cgroupHooks[name],
    minimumKernel: "5.7",
    target: "cgroup",
    summary: `${name.slice("cgroup-".length)} of the processes of a control group`,
  }),
);

function row(
  name: HookName,
  programType: ProgramTypeName,
  expectedAttachType: number,
  minimumKernel: string,
  target: HookRow["target"],
  summary: string,
): HookRow {
  return { name, programType, expectedAttachType, minimumKernel, target, summary };
}

/** All hooks. TCX falls back to clsact before its minimum. */
export const hooks: readonly HookRow[] = [
  row("xdp", "xdp", attachTypes.xdp, "5.9", "device", "received frames, in the driver"),
  row("tcx-ingress", "sched_cls", 0, "6.6", "device", "packets from a device to the stack"),
  row("tcx-egress", "sched_cls", 0, "6.6", "device", "packets from the stack to a device"),
  row("tracepoint", "tracepoint", 0, "5.15", "tracepoint", "a tracepoint with its record"),
  row("raw_tp", "raw_tracepoint", 0, "4.17", "tracepoint", "a tracepoint with its untyped arguments"),
  row("tp_btf", "tracing", attachTypes.trace_raw_tp, "5.5", "tracepoint", "a tracepoint with typed arguments"),
  ...cgroupRows,
  row("netfilter", "netfilter", attachTypes.netfilter, "6.4", "netfilter", "a point of the IPv4 or IPv6 stack"),
  row("sk-lookup", "sk_lookup", attachTypes.sk_lookup, "5.9", "namespace", "the choice of the receiving socket"),
];

/** The row of a hook. */
export function hookRow(name: string): HookRow {
  const found = hooks.find((hook) => hook.name === name);
  if (found) return found;
  throw new IovisorError(
    "E_USAGE",
    `there is no hook "${name}"`,
    `the hooks are: ${hooks.map((hook) => hook.name).join(", ")}`,
  );
}

/**
 * Reads what the command line says: "xdp:eth0", "tcx-egress:eth0", "cgroup-connect4:/web",
 * "tracepoint:sched/sched_switch", "tp_btf:sched_switch", "netfilter:ipv4/input/0", "sk-lookup". Throws E_USAGE.
 */
export function parseAttachSpec(text: string): AttachSpec {
  const colon = text.indexOf(":");
  const { name, target } = hookRow(colon < 0 ? text : text.slice(0, colon));
  const where = colon < 0 ? "" : text.slice(colon + 1);
  switch (name) {
    case "xdp":
    case "tcx-ingress":
    case "tcx-egress":
      return { hook: name, device: needed(text, where, `${name}:eth0`) };
    case "tracepoint": {
      const match = /^([^/:]+)[/:]([^/:]+)$/.exec(where);
      const [, category, event] = match ?? [];
      if (!category || !event) throw unreadable(text, "tracepoint:sched/sched_switch");
      return { hook: name, category, name: event };
    }
    case "raw_tp":
    case "tp_btf":
      return { hook: name, name: needed(text, where, `${name}:sched_switch`) };
    case "netfilter":
      return parseNetfilter(text, where);
    case "sk-lookup":
      if (where !== "") throw unreadable(text, target);
      return { hook: name };
    default:
      return { hook: name, path: needed(text, where, `${name}:/sys/fs/cgroup/NAME`) };
  }
}

function parseNetfilter(text: string, where: string): AttachSpec {
  const match = /^(ipv4|ipv6)\/(prerouting|input|forward|output|postrouting)\/(-?\d+)$/.exec(where);
  if (!match) throw unreadable(text, "netfilter:ipv4/input/0");
  const [, family, point, priority] = match as unknown as [
    string,
    "ipv4" | "ipv6",
    "prerouting" | "input" | "forward" | "output" | "postrouting",
    string,
  ];
  return { hook: "netfilter", family, point, priority: Number(priority) };
}

function needed(text: string, where: string, example: string): string {
  if (where === "") throw unreadable(text, example);
  return where;
}

function unreadable(text: string, example: string): IovisorError {
  return new IovisorError("E_USAGE", `"${text}" does not say where to attach`, `write it like ${example}`);
}
