import type { CommandRow } from "./command.ts";

/** All commands: a new one is a row here and a file in `commands/`. Only the one that is called is loaded. */
export const commands: readonly CommandRow[] = [
  {
    name: "demo",
    summary: "show on this machine, in about a minute, what all this is about",
    load: () => import("./commands/demo.ts"),
  },
  {
    name: "run",
    summary: "compile, load and attach a function; show its maps and events until Ctrl-C",
    load: () => import("./commands/run.ts"),
  },
  {
    name: "check",
    summary: "check a function: types, rules of the language, the kernel's verifier",
    load: () => import("./commands/check.ts"),
  },
  {
    name: "build",
    summary: "compile a function to an ELF object or to HIR",
    load: () => import("./commands/build.ts"),
  },
  {
    name: "ls",
    summary: "show which programs are attached where, ours and others'",
    load: () => import("./commands/ls.ts"),
  },
  {
    name: "dump",
    summary: "print a stage of the compiler: HIR, IR, passes, bytecode, BTF",
    load: () => import("./commands/dump.ts"),
  },
  {
    name: "explain",
    summary: "run one packet through a function and show the path line by line",
    load: () => import("./commands/explain.ts"),
  },
  {
    name: "doctor",
    summary: "show what this machine permits, what is missing and why",
    load: () => import("./commands/doctor.ts"),
  },
  {
    name: "daemon",
    summary: "keep a graph of functions in the kernel and serve it to the commands below",
    load: () => import("./commands/daemon.ts"),
  },
  {
    name: "apply",
    summary: "make a graph the live one",
    isClient: true,
    load: () => import("./commands/apply.ts"),
  },
  {
    name: "plan",
    summary: "say what an apply of a graph would do",
    isClient: true,
    load: () => import("./commands/plan.ts"),
  },
  {
    name: "get",
    summary: "list what the daemon has: graph, instances, devices, revisions, functions, pipelines",
    isClient: true,
    load: () => import("./commands/get.ts"),
  },
  {
    name: "describe",
    summary: "show an instance, a function or a pipeline in full",
    isClient: true,
    load: () => import("./commands/describe.ts"),
  },
  {
    name: "create",
    summary: "add an instance of a function to the live graph",
    isClient: true,
    load: () => import("./commands/create.ts"),
  },
  {
    name: "edit",
    summary: "change the configuration of an instance",
    isClient: true,
    load: () => import("./commands/edit.ts"),
  },
  {
    name: "delete",
    summary: "remove an instance, or the description of a device",
    isClient: true,
    load: () => import("./commands/delete.ts"),
  },
  {
    name: "link",
    summary: "join two ports of the live graph",
    isClient: true,
    load: () => import("./commands/link.ts"),
  },
  {
    name: "unlink",
    summary: "part two ports of the live graph",
    isClient: true,
    load: () => import("./commands/unlink.ts"),
  },
  {
    name: "rollback",
    summary: "go back to the graph of an earlier revision",
    isClient: true,
    load: () => import("./commands/rollback.ts"),
  },
  {
    name: "table",
    summary: "look into a table of an instance, or change it",
    isClient: true,
    load: () => import("./commands/table.ts"),
  },
  {
    name: "top",
    summary: "show live rates of all ports",
    isClient: true,
    load: () => import("./commands/top.ts"),
  },
  {
    name: "events",
    summary: "show what happened",
    isClient: true,
    load: () => import("./commands/events.ts"),
  },
  {
    name: "capture",
    summary: "record the packets of ports, with what becomes of them, for Wireshark",
    isClient: true,
    load: () => import("./commands/capture.ts"),
  },
  {
    name: "trace",
    summary: "follow packets through the functions",
    isClient: true,
    load: () => import("./commands/trace.ts"),
  },
  {
    name: "metrics",
    summary: "print the metrics for Prometheus",
    isClient: true,
    load: () => import("./commands/metrics.ts"),
  },
  {
    name: "types",
    summary: "set up an editor for kernel code outside of this package",
    load: () => import("./commands/types.ts"),
  },
  {
    name: "completion",
    summary: "print a completion script for bash or zsh",
    load: () => import("./commands/completion.ts"),
  },
];
