/**
 * Decides which connections the processes of a control group may make.
 *
 *     ./iovisor run examples/connect-guard.ts --attach cgroup-connect4:/web --attach cgroup-connect6:/web \
 *       --set 'ipv4=[{"destination":"10.0.0.0/8","ports":"5432","action":"allow"}]' --set otherwise=deny
 *
 * The first rule that matches decides. A refused connect() fails with EPERM, at once and without a packet. Unix sockets
 * and datagrams without connect() are not the business of these hooks.
 */
import {
  Allow,
  anyOf,
  atomicAdd,
  between,
  type ConnectVerdict,
  cidr4,
  cidr6,
  config,
  Deny,
  list,
  lruHash,
  match,
  onConnect4,
  onConnect6,
  oneOf,
  prefix,
  rule,
  struct,
  u8,
  u16,
  u32,
  u64,
} from "iovisor/kernel";

export const Target = struct({ family: u32, port: u32 });
export const Decisions = struct({ allowed: u64, denied: u64 });

export const decisions = lruHash({ key: Target, value: Decisions, maxEntries: 4096 });

export const settings = config({
  ipv4: list(
    rule({
      destination: prefix(cidr4),
      ports: between(u16),
      protocols: anyOf(u8),
      action: oneOf("allow", "deny"),
    }),
    "rules for IPv4, in order",
  ),
  ipv6: list(
    rule({
      destination: prefix(cidr6),
      ports: between(u16),
      protocols: anyOf(u8),
      action: oneOf("allow", "deny"),
    }),
    "rules for IPv6, in order",
  ),
  otherwise: oneOf("allow", "deny").default("allow", "what happens when no rule matches"),
});

export const guard4 = onConnect4((socket) => {
  const found = match(settings.ipv4, {
    destination: socket.address,
    ports: socket.port,
    protocols: u8(socket.protocol),
  });
  return decide(found ? found.action === "allow" : settings.otherwise === "allow", socket.family, socket.port);
});

export const guard6 = onConnect6((socket) => {
  const found = match(settings.ipv6, {
    destination: socket.address,
    ports: socket.port,
    protocols: u8(socket.protocol),
  });
  return decide(found ? found.action === "allow" : settings.otherwise === "allow", socket.family, socket.port);
});

function decide(allowed: boolean, family: u32, port: u32): ConnectVerdict {
  const key = Target({ family, port });
  decisions.insert(key, { allowed: 0n, denied: 0n });
  const count = decisions.ref(key);
  if (allowed) {
    if (count) atomicAdd(count, "allowed", 1n);
    return Allow;
  }
  if (count) atomicAdd(count, "denied", 1n);
  return Deny;
}
