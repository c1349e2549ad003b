/** Hooks: each is probed by loading a program that changes nothing and attaching it for an instant. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as build from "../../bytecode/build.ts";
import { NotSupported } from "../../errors.ts";
import { kernelTypes } from "../btf.ts";
import { Cgroup } from "../cgroups.ts";
import { NetworkNamespace } from "../namespaces.ts";
import { NETLINK_ROUTE } from "../netlink/constants.ts";
import { createLink, type LinkSpec } from "../netlink/create-link.ts";
import { NetlinkSocket } from "../netlink/socket.ts";
import { addClsact, setBpfFilter } from "../netlink/traffic-control.ts";
import { openPerfEvent, perfTypes, softwareEvents } from "../perf.ts";
import { KernelProgram, type ProgramSpec } from "../programs.ts";
import {
  attachTypes,
  iteratorCreate,
  type LinkCreateOptions,
  linkCreate,
  rawTracepointOpen,
  zeroTerminated,
} from "../sys/bpf.ts";
import { Descriptor } from "../sys/descriptor.ts";
import { addressOf, keepAlive, syscall } from "../sys/native.ts";
import { NR } from "../sys/numbers.ts";
import { checked } from "../system-error.ts";
import { tracepointId } from "../tracefs.ts";
import type { Feature } from "./feature.ts";

const LOOPBACK = 1;
const XDP_PASS = 2;
const XDP_FLAGS = { generic: 1 << 1, native: 1 << 2 } as const;
/** A quiet event: nothing is traced but a process's end. */
const EVENT = "sched_process_exit";
/** Functions that the kernel has for tests of attaching (net/bpf/test_run.c): nothing calls them in between. */
const TEST_FUNCTION = "bpf_fentry_test1";
const TEST_MODIFIED = "bpf_modify_return_test";

function load(spec: Partial<ProgramSpec> & Pick<ProgramSpec, "type">, result = 0): KernelProgram {
  const instructions = [build.movImm(0, result), build.exit()];
  return KernelProgram.load({ name: "probe", license: "GPL", instructions, ...spec });
}

function attachLink(program: KernelProgram, options: Omit<LinkCreateOptions, "programFd">): Descriptor {
  const fd = checked(linkCreate({ programFd: program.fd, ...options }), "attaching");
  return new Descriptor(fd, "probing link");
}

function typeId(name: string, kind: "func" | "typedef"): number {
  const id = kernelTypes().find(name, kind);
  if (id === undefined) throw new NotSupported(name, `this kernel's types have no ${name}`);
  return id;
}

/** Runs `body` in a fresh network namespace that holds a veth device; its index is the argument. */
function withVeth(body: (ifindex: number) => void): void {
  using namespace = NetworkNamespace.createUnnamed();
  const spec: LinkSpec = { kind: "veth", name: "probe0", peer: { name: "probe1" } };
  using socket = new NetlinkSocket(NETLINK_ROUTE, namespace);
  const link = createLink(socket, spec);
  namespace.run(() => body(link?.index ?? LOOPBACK + 1));
}

function tryXdp(flags: number): void {
  withVeth((target) => {
    using program = load({ type: "xdp" }, XDP_PASS);
    attachLink(program, { target, attachType: attachTypes.xdp, flags }).close();
  });
}

function tryTcx(): void {
  using namespace = NetworkNamespace.createUnnamed();
  const attachType = attachTypes.tcx_ingress;
  using program = load({ type: "sched_cls", expectedAttachType: attachType }, -1);
  namespace.run(() => attachLink(program, { target: LOOPBACK, attachType }).close());
}

function tryClassifier(): void {
  using namespace = NetworkNamespace.createUnnamed();
  using socket = new NetlinkSocket(NETLINK_ROUTE, namespace);
  using program = load({ type: "sched_cls" }, -1);
  addClsact(socket, LOOPBACK);
  const place = { device: LOOPBACK, direction: "ingress", priority: 1, handle: 1 } as const;
  setBpfFilter(socket, place, program, true);
}

function tryTracepoint(): void {
  using program = load({ type: "tracepoint" });
  const config = tracepointId("sched", EVENT);
  using event = openPerfEvent({ type: perfTypes.tracepoint, config }, `tracepoint ${EVENT}`);
  attachLink(program, { target: event.fd, attachType: attachTypes.perf_event }).close();
}

function tryPerfEvent(): void {
  using program = load({ type: "perf_event" });
  const spec = { type: perfTypes.software, config: softwareEvents.cpuClock, period: 1_000_000_000 };
  using event = openPerfEvent(spec, "software clock event");
  attachLink(program, { target: event.fd, attachType: attachTypes.perf_event }).close();
}

function openRaw(program: KernelProgram, name?: string): void {
  new Descriptor(checked(rawTracepointOpen(program.fd, name), "attaching"), "probing link").close();
}

function tryRawTracepoint(): void {
  using program = load({ type: "raw_tracepoint" });
  openRaw(program, EVENT);
}

function tryBtfTracepoint(): void {
  const attachBtfId = typeId(`btf_trace_${EVENT}`, "typedef");
  using program = load({ type: "tracing", expectedAttachType: "trace_raw_tp", attachBtfId });
  openRaw(program);
}

function tryTrampoline(expectedAttachType: "trace_fentry" | "trace_fexit" | "modify_return", target: string): void {
  using program = load({ type: "tracing", expectedAttachType, attachBtfId: typeId(target, "func") });
  openRaw(program);
}

function tryLsm(): void {
  using program = load({
    type: "lsm",
    expectedAttachType: "lsm_mac",
    attachBtfId: typeId("bpf_lsm_file_open", "func"),
  });
  openRaw(program);
}

function tryIterator(): void {
  const attachBtfId = typeId("bpf_iter_bpf_map", "func");
  using program = load({ type: "tracing", expectedAttachType: "trace_iter", attachBtfId });
  using link = attachLink(program, { target: 0, attachType: attachTypes.trace_iter });
  new Descriptor(checked(iteratorCreate(link.fd), "opening an iterator"), "probing iterator").close();
}

const PERF_ATTRIBUTE_SIZE = 112;

/** A kprobe by perf event: `config1` at 56 points to the function's name. */
function tryKprobe(): void {
  let type: number;
  try {
    type = Number(readFileSync("/sys/bus/event_source/devices/kprobe/type", "utf8"));
  } catch {
    throw new NotSupported("kprobe", "this kernel has no kprobe events");
  }
  const name = zeroTerminated(TEST_FUNCTION);
  const view = new DataView(new ArrayBuffer(PERF_ATTRIBUTE_SIZE));
  view.setUint32(0, type, true);
  view.setUint32(4, PERF_ATTRIBUTE_SIZE, true);
  view.setBigUint64(56, addressOf(name), true);
  const fd = syscall(NR.perf_event_open, new Uint8Array(view.buffer), -1, 0, -1, 8);
  keepAlive(name);
  using event = new Descriptor(checked(fd, "opening a kprobe"), "probing kprobe");
  using program = load({ type: "kprobe" });
  attachLink(program, { target: event.fd, attachType: attachTypes.perf_event }).close();
}

function tryKprobeMulti(): void {
  using program = load({ type: "kprobe", expectedAttachType: "trace_kprobe_multi" });
  const detail = { kind: "kprobeMulti", symbols: [TEST_FUNCTION] } as const;
  attachLink(program, { target: 0, attachType: attachTypes.trace_kprobe_multi, detail }).close();
}

/** On a file that nobody runs: an arbitrary address of a running program could be the middle of an instruction. */
function tryUprobeMulti(): void {
  using program = load({ type: "kprobe", expectedAttachType: "trace_uprobe_multi" });
  const directory = mkdtempSync(join(tmpdir(), "iovisor-probe-"));
  try {
    const path = join(directory, "code");
    writeFileSync(path, new Uint8Array(4096));
    const detail = { kind: "uprobeMulti", path, offsets: new BigUint64Array(1) } as const;
    attachLink(program, { target: 0, attachType: attachTypes.trace_uprobe_multi, detail }).close();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

let groups = 0;

function tryCgroup(type: ProgramSpec["type"], attachType: number): void {
  const group = Cgroup.create(`iov${process.pid}_probe${groups++}`);
  try {
    using program = load({ type, expectedAttachType: attachType }, 1);
    attachLink(program, { target: group.fd, attachType }).close();
  } finally {
    group.remove();
  }
}

function trySocketLookup(): void {
  using namespace = NetworkNamespace.createUnnamed();
  using program = load({ type: "sk_lookup", expectedAttachType: "sk_lookup" }, 1);
  attachLink(program, { target: namespace.fd, attachType: attachTypes.sk_lookup }).close();
}

function tryNetfilter(): void {
  const NF_ACCEPT = 1;
  using namespace = NetworkNamespace.createUnnamed();
  using program = load({ type: "netfilter", expectedAttachType: "netfilter" }, NF_ACCEPT);
  const detail = { kind: "netfilter", protocolFamily: 2, hook: 1, priority: -128 } as const;
  namespace.run(() => attachLink(program, { target: 0, attachType: attachTypes.netfilter, detail }).close());
}

/** In the order in which people look for them: packets, tracing, control groups, the rest. */
export const hookFeatures: readonly Feature[] = [
  {
    name: "xdp-native",
    what: "XDP in the driver (veth)",
    minimumKernel: "5.9",
    attempt: () => tryXdp(XDP_FLAGS.native),
  },
  {
    name: "xdp-generic",
    what: "XDP in the stack, any device",
    minimumKernel: "5.9",
    attempt: () => tryXdp(XDP_FLAGS.generic),
  },
  { name: "tcx", what: "tc programs by link, ordered by anchors", minimumKernel: "6.6", attempt: tryTcx },
  { name: "clsact", what: "tc programs by filter", minimumKernel: "4.5", attempt: tryClassifier },
  { name: "netfilter", what: "netfilter hooks", minimumKernel: "6.4", attempt: tryNetfilter },
  { name: "sk-lookup", what: "choice of the listening socket", minimumKernel: "5.9", attempt: trySocketLookup },
  { name: "tracepoint", what: "tracepoints", minimumKernel: "5.15", attempt: tryTracepoint },
  { name: "raw-tracepoint", what: "tracepoints with raw arguments", minimumKernel: "4.17", attempt: tryRawTracepoint },
  { name: "btf-tracepoint", what: "tracepoints with typed arguments", minimumKernel: "5.5", attempt: tryBtfTracepoint },
  {
    name: "fentry",
    what: "entry of kernel functions",
    minimumKernel: "5.5",
    attempt: () => tryTrampoline("trace_fentry", TEST_FUNCTION),
  },
  {
    name: "fexit",
    what: "exit of kernel functions",
    minimumKernel: "5.5",
    attempt: () => tryTrampoline("trace_fexit", TEST_FUNCTION),
  },
  {
    name: "fmod-ret",
    what: "return value of kernel functions",
    minimumKernel: "5.7",
    attempt: () => tryTrampoline("modify_return", TEST_MODIFIED),
  },
  { name: "lsm", what: "security hooks", minimumKernel: "5.7", attempt: tryLsm },
  { name: "kprobe", what: "probes in kernel functions", minimumKernel: "5.15", attempt: tryKprobe },
  { name: "kprobe-multi", what: "probes in many kernel functions", minimumKernel: "5.18", attempt: tryKprobeMulti },
  { name: "uprobe-multi", what: "probes in programs and libraries", minimumKernel: "6.6", attempt: tryUprobeMulti },
  { name: "perf-event", what: "sampling by perf events", minimumKernel: "5.15", attempt: tryPerfEvent },
  { name: "iterator", what: "iterators over kernel objects", minimumKernel: "5.8", attempt: tryIterator },
  {
    name: "cgroup-connect4",
    what: "connect() of IPv4 sockets, by control group",
    minimumKernel: "5.7",
    attempt: () => tryCgroup("cgroup_sock_addr", attachTypes.cgroup_inet4_connect),
  },
  {
    name: "cgroup-connect6",
    what: "connect() of IPv6 sockets, by control group",
    minimumKernel: "5.7",
    attempt: () => tryCgroup("cgroup_sock_addr", attachTypes.cgroup_inet6_connect),
  },
  {
    name: "cgroup-skb",
    what: "packets of control groups",
    minimumKernel: "5.7",
    attempt: () => tryCgroup("cgroup_skb", attachTypes.cgroup_inet_egress),
  },
  {
    name: "cgroup-sock",
    what: "creation of sockets, by control group",
    minimumKernel: "5.7",
    attempt: () => tryCgroup("cgroup_sock", attachTypes.cgroup_inet_sock_create),
  },
  {
    name: "sock-ops",
    what: "events of TCP connections, by control group",
    minimumKernel: "5.7",
    attempt: () => tryCgroup("sock_ops", attachTypes.cgroup_sock_ops),
  },
];
