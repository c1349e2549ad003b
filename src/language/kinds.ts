/**
 * Program kinds and the hooks they run at: one row each. Numbers are from include/uapi/linux/bpf.h.
 */
export interface VerdictCodes {
  readonly [verdict: string]: number;
}

/** How the back end lowers packet operations. */
export type PacketModel = "xdp" | "skb";

export interface Hook {
  /** As on the command line: `xdp:eth0`. */
  readonly name: string;
  readonly kind: string;
  readonly packetModel?: PacketModel;
  /** BPF_PROG_TYPE_*. */
  readonly programType: number;
  /** `expected_attach_type` at load, or 0. TCX programs load without, so that clsact takes the same program. */
  readonly attachType: number;
  readonly verdicts: VerdictCodes;
  /** ELF section name for other loaders. */
  readonly section: string;
  readonly minimumKernel: string;
  /** Its programs are named by an object of the kernel: no device takes them. */
  readonly unattached?: true;
}

const xdpVerdicts = { aborted: 0, drop: 1, pass: 2, transmit: 3, redirect: 4 } as const;
/** TCX_NEXT (-1) lets the next program, maybe of another owner, run; clsact reads it as TC_ACT_UNSPEC, the same. */
const tcxVerdicts = { pass: -1, drop: 2, redirect: 7, aborted: 2 } as const;
/** A program of a device map: an XDP_REDIRECT or XDP_TX of it would be an abort (dev_map_bpf_prog_run). */
const deviceVerdicts = { aborted: 0, drop: 1, pass: 2 } as const;
/** 0 refuses with EPERM. */
const connectVerdicts = { deny: 0, allow: 1 } as const;

export const hooks = {
  xdp: {
    name: "xdp",
    kind: "packet",
    packetModel: "xdp",
    programType: 6,
    attachType: 37,
    verdicts: xdpVerdicts,
    section: "xdp",
    minimumKernel: "5.9",
  },
  "tcx-ingress": {
    name: "tcx-ingress",
    kind: "packet",
    packetModel: "skb",
    programType: 3,
    attachType: 0,
    verdicts: tcxVerdicts,
    section: "tc",
    minimumKernel: "6.6",
  },
  "tcx-egress": {
    name: "tcx-egress",
    kind: "packet",
    packetModel: "skb",
    programType: 3,
    attachType: 0,
    verdicts: tcxVerdicts,
    section: "tc",
    minimumKernel: "6.6",
  },
  /** Runs on what a device map sends out of its device: the map's entry names it, it is never attached by itself. */
  "xdp-devmap": {
    name: "xdp-devmap",
    kind: "packet",
    packetModel: "xdp",
    programType: 6,
    attachType: 33,
    verdicts: deviceVerdicts,
    section: "xdp/devmap",
    minimumKernel: "5.8",
    unattached: true,
  },
  tracepoint: {
    name: "tracepoint",
    kind: "tracepoint",
    programType: 5,
    attachType: 0,
    verdicts: {},
    section: "tracepoint",
    minimumKernel: "4.7",
  },
  tp_btf: {
    name: "tp_btf",
    kind: "btfTracepoint",
    programType: 26,
    attachType: 23,
    verdicts: {},
    section: "tp_btf",
    minimumKernel: "5.5",
  },
  "cgroup-connect4": {
    name: "cgroup-connect4",
    kind: "cgroupConnect4",
    programType: 18,
    attachType: 10,
    verdicts: connectVerdicts,
    section: "cgroup/connect4",
    minimumKernel: "4.17",
  },
  "cgroup-connect6": {
    name: "cgroup-connect6",
    kind: "cgroupConnect6",
    programType: 18,
    attachType: 11,
    verdicts: connectVerdicts,
    section: "cgroup/connect6",
    minimumKernel: "4.17",
  },
} as const satisfies Readonly<Record<string, Hook>>;

export type HookName = keyof typeof hooks;

export function hookNamed(name: string): Hook | undefined {
  return Object.hasOwn(hooks, name) ? hooks[name as HookName] : undefined;
}
