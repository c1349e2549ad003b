import { bool, config, dropReasons, oneOf, puntReasons, u32 } from "iovisor/kernel";

export const reasons = dropReasons({
  tooShort: "the frame ends within a header",
  noPort: "the port has no configuration",
  tagged: "the frame has a VLAN tag",
  notForRouter: "the frame is for another station",
  badType: "it is neither IPv4, IPv6 nor ARP",
  badHeader: "a field of the IP header cannot be",
  badLength: "the packet is longer than its frame",
  badChecksum: "the checksum is wrong",
  badSource: "no host has the source address",
  badDestination: "nobody can have the destination address",
  linkLocal: "packets with link-local addresses are not forwarded",
  multicast: "multicast is not forwarded",
  broadcast: "broadcasts are not forwarded",
  ttlExceeded: "its time to live is over",
  noRoute: "there is no route",
  blackhole: "a route says so",
  prohibited: "a route prohibits it",
  tooBig: "it is larger than the MTU and must not be fragmented",
  resolving: "the neighbour is being looked for",
  unreachable: "the neighbour does not answer",
  neighbourTableFull: "there is no room for another neighbour",
  toRouter: "it is for the router, which has no use for it",
  fragmentForRouter: "it is a fragment for the router",
  badNeighbour: "an ARP or neighbour discovery packet that breaks the rules",
  notAsked: "an ARP or neighbour discovery packet that is about others",
  duplicateAddress: "another station claims an address of the router",
  absorbed: "an ARP or neighbour discovery packet whose purpose is fulfilled",
});

export const causes = puntReasons({
  resolve: "the neighbour is not known: it is looked for, and the packet waits",
  resolved: "a neighbour that was looked for answered",
  ttlExceeded: "the sender is told that its time to live is over",
  noRoute: "the sender is told that there is no route",
  prohibited: "the sender is told that a route prohibits it",
  unreachable: "the sender is told that the neighbour does not answer",
  tooBig: "the sender is told the MTU",
  fragment: "it is cut into fragments",
});

export const settings = config({
  mode: oneOf("own", "host").default("own", "own: addresses and routes are the graph's; host: those of the kernel"),
  sourceCheck: oneOf("none", "loose", "strict").default(
    "none",
    "in host mode: packets whose source has no route back, or none by their own port, are left to the kernel",
  ),
  checkShift: u32.between(1, 20).default(12, "logarithm of the ticks between looks at a neighbour in host mode"),
  ticksPerSecond: u32.between(1, 10_000).default(1000, "rate of the kernel's clock tick"),
  ipv6: bool.default(true, "IPv6 is routed"),
  groups: bool.default(false, "there are routes with several next hops"),
  statics: bool.default(false, "there are static neighbours"),
  local: oneOf("drop", "host").default("drop", "what becomes of packets for the router but ARP, ND and echo requests"),
});
