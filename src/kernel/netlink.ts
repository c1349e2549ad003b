/** rtnetlink: devices, addresses, neighbours, routes, rules, tc filters, and their changes. */
export { addAddress, deleteAddress, type InterfaceAddress, listAddresses } from "./netlink/addresses.ts";
export { changeLink, deleteLink, type LinkChange } from "./netlink/change-link.ts";
export { createLink, type LinkOptions, type LinkSpec } from "./netlink/create-link.ts";
export { NetlinkError } from "./netlink/error.ts";
export { bytesToIp, bytesToMac, ipToBytes, macToBytes, type Prefix, parsePrefix } from "./netlink/ip.ts";
export { findLink, getLink, type Link, type LinkReference, listLinks, type XdpState } from "./netlink/links.ts";
export { type MonitorTopic, type NetworkEvent, NetworkMonitor } from "./netlink/monitor.ts";
export { deleteNeighbour, listNeighbours, type Neighbour, setNeighbour } from "./netlink/neighbours.ts";
export {
  addRoute,
  deleteRoute,
  listRoutes,
  type NextHop,
  type Route,
  type RouteSpec,
  setRoute,
} from "./netlink/routes.ts";
export { addRule, deleteRule, listRules, type RoutingRule } from "./netlink/rules.ts";
export { NetlinkSocket } from "./netlink/socket.ts";
