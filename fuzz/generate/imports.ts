/** What the generated source may use of the kernel library. */
const values = [
  "Allow", "Deny", "Drop", "Pass", "anyOf", "array", "arrayMap", "atomicAdd", "atomicCompareExchange",
  "atomicExchange", "atomicFetchAdd", "atomicFetchAnd", "atomicFetchOr", "atomicFetchXor", "be16", "be32", "be64",
  "between", "bits", "bool", "bytes", "cidr4", "config", "cpu", "devMap", "devMapHash", "enumeration", "equal", "exact",
  "hash", "i16", "i32", "i64", "i8", "ipv4", "ipv6", "list", "lpmTrie", "lruHash", "lruPerCpuHash", "mac", "match",
  "max", "min", "offsetOf", "onConnect4", "onConnect6", "onKernelTracepoint", "onPacket", "onTracepoint", "oneOf",
  "perCpuArray", "perCpuHash", "prefix", "processId", "progArray", "queue", "random", "range", "redirect", "ringBuffer",
  "rule", "set", "spinLock", "stack", "struct", "threadId", "time", "transmit", "u16", "u32", "u64", "u8", "union",
  "userId", "withLock",
];
const types = ["Packet", "Ref", "TypeOf", "Verdict", "View"];

/** The import that a module's text needs. Names behind a dot or before a colon are fields. */
export function importsOf(body: string): string {
  const words = new Set(body.match(/(?<![.\w])[A-Za-z]\w*/g));
  const names = [...values.filter((name) => words.has(name)), ...types.filter((name) => words.has(name)).map((name) => `type ${name}`)];
  return `import { ${names.join(", ")} } from "iovisor/kernel";`;
}
