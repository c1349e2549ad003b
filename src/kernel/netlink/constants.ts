/** Numbers of rtnetlink that more than one file needs (kernel: include/uapi/linux/{netlink,rtnetlink,if_link}.h). */

/** Netlink families. */
export const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;

/** Message types of every family. */
export const NLMSG = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

/** Request flags. `replace`, `exclusive`, `create` and `append` belong to requests that make something. */
export const NLM_F = {
  request: 0x001,
  multi: 0x002,
  acknowledge: 0x004,
  dumpInterrupted: 0x010,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
} as const;

/** rtnetlink message types. */
export const RTM = {
  newLink: 16,
  delLink: 17,
  getLink: 18,
  setLink: 19,
  newAddress: 20,
  delAddress: 21,
  getAddress: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
  newNeighbour: 28,
  delNeighbour: 29,
  getNeighbour: 30,
  newRule: 32,
  delRule: 33,
  getRule: 34,
  newQdisc: 36,
  delQdisc: 37,
  getQdisc: 38,
  newFilter: 44,
  delFilter: 45,
  getFilter: 46,
  newNamespaceId: 88,
  getNamespaceId: 90,
} as const;

/** Multicast groups of rtnetlink, for NETLINK_ADD_MEMBERSHIP. */
export const RTNLGRP = {
  link: 1,
  neighbour: 3,
  ipv4Address: 5,
  ipv4Route: 7,
  ipv6Address: 9,
  ipv6Route: 11,
} as const;

/** Address families. */
export const AF = { unspecified: 0, inet: 2, netlink: 16, packet: 17, inet6: 10 } as const;

/** Link attributes. */
export const IFLA = {
  address: 1,
  broadcast: 2,
  name: 3,
  mtu: 4,
  link: 5,
  master: 10,
  operState: 16,
  linkInfo: 18,
  extMask: 29,
  netnsFd: 28,
  txQueues: 31,
  rxQueues: 32,
  linkNetnsId: 37,
  xdp: 43,
} as const;

/** Inside IFLA_LINKINFO. */
export const IFLA_INFO = { kind: 1, data: 2 } as const;

/** Inside IFLA_XDP. */
export const IFLA_XDP = {
  fd: 1,
  attached: 2,
  flags: 3,
  programId: 4,
  nativeProgramId: 5,
  genericProgramId: 6,
  hardwareProgramId: 7,
  expectedFd: 8,
} as const;

/** Interface flags. */
export const IFF = { up: 0x1, loopback: 0x8, running: 0x40, promiscuous: 0x100, lowerUp: 0x10000 } as const;
