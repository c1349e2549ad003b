/** Policy routing rules: which table is asked for which packets. */
import { AF, NLM_F, RTM } from "./constants.ts";
import { bytesToIp, ipToBytes, parsePrefix } from "./ip.ts";
import { Attributes, bytesAttribute, concat, type NetlinkMessage, textAttribute, u32Attribute } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const HEADER_SIZE = 12;
const FRA = { destination: 1, source: 2, inputLink: 3, priority: 6, mark: 10, table: 15, mask: 16 } as const;
const TO_TABLE = 1;

/** A rule that leads to a table. Conditions that are absent hold for every packet. */
export interface RoutingRule {
  readonly family: "ipv4" | "ipv6";
  readonly priority?: number;
  readonly from?: string;
  readonly to?: string;
  /** Name of the device that the packet came in on. */
  readonly inputLink?: string;
  readonly mark?: number;
  readonly markMask?: number;
  readonly table: number;
}

/** Adds a rule; throws E_BUSY if it exists. */
export function addRule(socket: NetlinkSocket, rule: RoutingRule): void {
  socket.request("adding a routing rule", RTM.newRule, NLM_F.create | NLM_F.exclusive, encode(rule));
}

/** Removes a rule. */
export function deleteRule(socket: NetlinkSocket, rule: RoutingRule): void {
  socket.request("deleting a routing rule", RTM.delRule, 0, encode(rule));
}

/** All rules that lead to tables, IPv4 then IPv6, by priority. */
export function listRules(socket: NetlinkSocket): RoutingRule[] {
  return [AF.inet, AF.inet6]
    .flatMap((family) => socket.dump("listing routing rules", RTM.getRule, header(family, 0, 0, 0)))
    .map(decode)
    .filter((rule) => rule !== undefined);
}

function header(family: number, destinationLength: number, sourceLength: number, action: number): Uint8Array {
  return Uint8Array.of(family, destinationLength, sourceLength, 0, 0, 0, 0, action, 0, 0, 0, 0);
}

function encode(rule: RoutingRule): Uint8Array {
  const family = rule.family === "ipv4" ? AF.inet : AF.inet6;
  const to = rule.to === undefined ? undefined : parsePrefix(rule.to);
  const from = rule.from === undefined ? undefined : parsePrefix(rule.from);
  const attributes = [u32Attribute(FRA.table, rule.table)];
  if (to) attributes.push(bytesAttribute(FRA.destination, ipToBytes(to.address)));
  if (from) attributes.push(bytesAttribute(FRA.source, ipToBytes(from.address)));
  if (rule.inputLink !== undefined) attributes.push(textAttribute(FRA.inputLink, rule.inputLink));
  if (rule.priority !== undefined) attributes.push(u32Attribute(FRA.priority, rule.priority));
  if (rule.mark !== undefined) attributes.push(u32Attribute(FRA.mark, rule.mark));
  if (rule.markMask !== undefined) attributes.push(u32Attribute(FRA.mask, rule.markMask));
  return concat([header(family, to?.length ?? 0, from?.length ?? 0, TO_TABLE), ...attributes]);
}

function decode(message: NetlinkMessage): RoutingRule | undefined {
  const { payload } = message;
  const [family, destinationLength, sourceLength, , table = 0, , , action] = payload;
  if (action !== TO_TABLE) return undefined;
  const attributes = new Attributes(payload, HEADER_SIZE);
  const to = attributes.bytes(FRA.destination);
  const from = attributes.bytes(FRA.source);
  const inputLink = attributes.text(FRA.inputLink);
  const mark = attributes.u32(FRA.mark);
  const markMask = attributes.u32(FRA.mask);
  return {
    family: family === AF.inet ? "ipv4" : "ipv6",
    priority: attributes.u32(FRA.priority) ?? 0,
    table: attributes.u32(FRA.table) ?? table,
    ...(to && { to: `${bytesToIp(to)}/${destinationLength}` }),
    ...(from && { from: `${bytesToIp(from)}/${sourceLength}` }),
    ...(inputLink !== undefined && { inputLink }),
    ...(mark !== undefined && { mark }),
    ...(markMask !== undefined && { markMask }),
  };
}
