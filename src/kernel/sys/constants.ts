/** Numbers of the bpf(2) interface (include/uapi/linux/bpf.h), under the names that bpftool prints. */

/** Commands of bpf(2). */
export const command = {
  mapCreate: 0,
  mapLookup: 1,
  mapUpdate: 2,
  mapDelete: 3,
  mapNextKey: 4,
  programLoad: 5,
  objectPin: 6,
  objectGet: 7,
  programAttach: 8,
  programDetach: 9,
  testRun: 10,
  nextProgramId: 11,
  nextMapId: 12,
  programById: 13,
  mapById: 14,
  objectInfo: 15,
  programQuery: 16,
  rawTracepointOpen: 17,
  btfLoad: 18,
  btfById: 19,
  mapLookupAndDelete: 21,
  mapFreeze: 22,
  nextBtfId: 23,
  mapLookupBatch: 24,
  mapLookupAndDeleteBatch: 25,
  mapUpdateBatch: 26,
  mapDeleteBatch: 27,
  linkCreate: 28,
  linkUpdate: 29,
  linkById: 30,
  nextLinkId: 31,
  enableStats: 32,
  iteratorCreate: 33,
  linkDetach: 34,
  programBindMap: 35,
} as const;

/** BPF_MAP_TYPE_*. */
export const mapTypes = {
  hash: 1,
  array: 2,
  prog_array: 3,
  perf_event_array: 4,
  percpu_hash: 5,
  percpu_array: 6,
  stack_trace: 7,
  cgroup_array: 8,
  lru_hash: 9,
  lru_percpu_hash: 10,
  lpm_trie: 11,
  array_of_maps: 12,
  hash_of_maps: 13,
  devmap: 14,
  sockmap: 15,
  cpumap: 16,
  xskmap: 17,
  sockhash: 18,
  cgroup_storage: 19,
  reuseport_sockarray: 20,
  percpu_cgroup_storage: 21,
  queue: 22,
  stack: 23,
  sk_storage: 24,
  devmap_hash: 25,
  struct_ops: 26,
  ringbuf: 27,
  inode_storage: 28,
  task_storage: 29,
  bloom_filter: 30,
  user_ringbuf: 31,
  cgrp_storage: 32,
  arena: 33,
} as const;

/** A map type by name. */
export type MapTypeName = keyof typeof mapTypes;

/** BPF_PROG_TYPE_*. */
export const programTypes = {
  socket_filter: 1,
  kprobe: 2,
  sched_cls: 3,
  sched_act: 4,
  tracepoint: 5,
  xdp: 6,
  perf_event: 7,
  cgroup_skb: 8,
  cgroup_sock: 9,
  lwt_in: 10,
  lwt_out: 11,
  lwt_xmit: 12,
  sock_ops: 13,
  sk_skb: 14,
  cgroup_device: 15,
  sk_msg: 16,
  raw_tracepoint: 17,
  cgroup_sock_addr: 18,
  lwt_seg6local: 19,
  lirc_mode2: 20,
  sk_reuseport: 21,
  flow_dissector: 22,
  cgroup_sysctl: 23,
  raw_tracepoint_writable: 24,
  cgroup_sockopt: 25,
  tracing: 26,
  struct_ops: 27,
  ext: 28,
  lsm: 29,
  sk_lookup: 30,
  syscall: 31,
  netfilter: 32,
} as const;

/** A program type by name. */
export type ProgramTypeName = keyof typeof programTypes;

/** BPF_* attach types. */
export const attachTypes = {
  cgroup_inet_ingress: 0,
  cgroup_inet_egress: 1,
  cgroup_inet_sock_create: 2,
  cgroup_sock_ops: 3,
  sk_skb_stream_parser: 4,
  sk_skb_stream_verdict: 5,
  cgroup_device: 6,
  sk_msg_verdict: 7,
  cgroup_inet4_bind: 8,
  cgroup_inet6_bind: 9,
  cgroup_inet4_connect: 10,
  cgroup_inet6_connect: 11,
  cgroup_inet4_post_bind: 12,
  cgroup_inet6_post_bind: 13,
  cgroup_udp4_sendmsg: 14,
  cgroup_udp6_sendmsg: 15,
  flow_dissector: 17,
  cgroup_sysctl: 18,
  cgroup_udp4_recvmsg: 19,
  cgroup_udp6_recvmsg: 20,
  cgroup_getsockopt: 21,
  cgroup_setsockopt: 22,
  trace_raw_tp: 23,
  trace_fentry: 24,
  trace_fexit: 25,
  modify_return: 26,
  lsm_mac: 27,
  trace_iter: 28,
  xdp_devmap: 33,
  cgroup_inet_sock_release: 34,
  xdp_cpumap: 35,
  sk_lookup: 36,
  xdp: 37,
  sk_skb_verdict: 38,
  sk_reuseport_select: 39,
  perf_event: 41,
  trace_kprobe_multi: 42,
  lsm_cgroup: 43,
  struct_ops: 44,
  netfilter: 45,
  tcx_ingress: 46,
  tcx_egress: 47,
  trace_uprobe_multi: 48,
  netkit_primary: 54,
  netkit_peer: 55,
} as const;

/** BPF_LINK_TYPE_*, by number, as `LinkInfo.type` names them. */
export const linkTypeNames: readonly string[] = [
  "unspec",
  "raw_tracepoint",
  "tracing",
  "cgroup",
  "iter",
  "netns",
  "xdp",
  "perf_event",
  "kprobe_multi",
  "struct_ops",
  "netfilter",
  "tcx",
  "uprobe_multi",
  "netkit",
  "sockmap",
];

/** BPF_F_* of BPF_MAP_CREATE. */
export const mapFlags = {
  noPreallocation: 1 << 0,
  noCommonLru: 1 << 1,
  readOnlyFromHost: 1 << 3,
  writeOnlyFromHost: 1 << 4,
  readOnlyFromProgram: 1 << 7,
  writeOnlyFromProgram: 1 << 8,
  mmapable: 1 << 10,
  innerMap: 1 << 12,
} as const;

/** BPF_F_* of BPF_PROG_LOAD. */
export const programFlags = {
  strictAlignment: 1 << 0,
  testStateFrequency: 1 << 3,
  sleepable: 1 << 4,
  xdpFragments: 1 << 5,
  xdpDeviceBound: 1 << 6,
} as const;

/** BPF_F_* of BPF_PROG_TEST_RUN. */
export const testRunFlags = {
  onCpu: 1 << 0,
  xdpLiveFrames: 1 << 1,
  skbChecksumComplete: 1 << 2,
} as const;

/** Finds the name of `value` in one of the tables above; its decimal form when the table lacks it. */
export function nameOf(table: Readonly<Record<string, number>>, value: number): string {
  for (const [name, number] of Object.entries(table)) if (number === value) return name;
  return String(value);
}
