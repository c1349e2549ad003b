/** Features of maps, type information and the call itself. */
import { accessSync, constants, existsSync } from "node:fs";
import { BtfBuilder } from "../../bytecode/btf-builder.ts";
import * as build from "../../bytecode/build.ts";
import { IovisorError, NotSupported } from "../../errors.ts";
import { DEFAULT_BPFFS, mountedBpffs } from "../bpffs.ts";
import { BtfObject, kernelTypes } from "../btf.ts";
import { KernelMap, type MapSpec } from "../maps.ts";
import { enableStatistics } from "../programs.ts";
import { command, type MapTypeName, mapBatch, mapCreate, mapFlags } from "../sys/bpf.ts";
import { checked } from "../system-error.ts";
import type { Feature } from "./feature.ts";
import { tryInstructions } from "./instructions.ts";

type Shape = readonly [keySize: number, valueSize: number, maxEntries: number, flags?: number];

/** A small map of each type that needs nothing else, and the release that brought the type. */
const mapShapes: Readonly<Partial<Record<MapTypeName, { shape: Shape; since: string }>>> = {
  hash: { shape: [4, 4, 1], since: "3.19" },
  array: { shape: [4, 4, 1], since: "3.19" },
  prog_array: { shape: [4, 4, 1], since: "4.2" },
  perf_event_array: { shape: [4, 4, 1], since: "4.3" },
  percpu_hash: { shape: [4, 4, 1], since: "4.6" },
  percpu_array: { shape: [4, 4, 1], since: "4.6" },
  stack_trace: { shape: [4, 8, 1], since: "4.6" },
  cgroup_array: { shape: [4, 4, 1], since: "4.8" },
  lru_hash: { shape: [4, 4, 1], since: "4.10" },
  lru_percpu_hash: { shape: [4, 4, 1], since: "4.10" },
  lpm_trie: { shape: [8, 4, 1], since: "4.11" },
  array_of_maps: { shape: [4, 4, 1], since: "4.12" },
  hash_of_maps: { shape: [4, 4, 1], since: "4.12" },
  devmap: { shape: [4, 4, 1], since: "4.14" },
  sockmap: { shape: [4, 4, 1], since: "4.14" },
  cpumap: { shape: [4, 4, 1], since: "4.15" },
  xskmap: { shape: [4, 4, 1], since: "4.18" },
  sockhash: { shape: [4, 4, 1], since: "4.18" },
  reuseport_sockarray: { shape: [4, 4, 1], since: "4.19" },
  queue: { shape: [0, 4, 1], since: "4.20" },
  stack: { shape: [0, 4, 1], since: "4.20" },
  devmap_hash: { shape: [4, 4, 1], since: "5.4" },
  ringbuf: { shape: [0, 0, 65536], since: "5.8" },
  bloom_filter: { shape: [0, 4, 1], since: "5.16" },
  user_ringbuf: { shape: [0, 0, 65536], since: "6.1" },
  arena: { shape: [0, 0, 1, mapFlags.mmapable], since: "6.9" },
};

/** Maps whose values hang on an object (socket, task, inode, cgroup): they take no preallocation, and need BTF. */
const storageTypes: readonly (readonly [MapTypeName, string])[] = [
  ["sk_storage", "5.2"],
  ["inode_storage", "5.10"],
  ["task_storage", "5.11"],
  ["cgrp_storage", "6.2"],
];

const innerShape: MapSpec = { name: "inner", type: "array", keySize: 4, valueSize: 4, maxEntries: 1 };

function mapFeature(type: MapTypeName, since: string, spec: Partial<MapSpec>, shape: Shape): Feature {
  const [keySize, valueSize, maxEntries, flags = 0] = shape;
  return {
    name: `map:${type}`,
    what: `maps of type ${type}`,
    minimumKernel: since,
    attempt: () => KernelMap.create({ name: "probe", type, keySize, valueSize, maxEntries, flags, ...spec }).close(),
  };
}

function storageFeature(type: MapTypeName, since: string): Feature {
  return {
    name: `map:${type}`,
    what: `maps of type ${type}`,
    minimumKernel: since,
    attempt() {
      const types = new BtfBuilder();
      const int = types.int("int", 4, { signed: true });
      using btf = BtfObject.load(types.toBytes());
      const ids = { key: int, value: int };
      const flags = mapFlags.noPreallocation;
      KernelMap.create(
        { name: "probe", type, keySize: 4, valueSize: 4, maxEntries: 0, flags, btf: ids },
        { btf },
      ).close();
    },
  };
}

/** One feature per map type. */
export const mapFeatures: readonly Feature[] = [
  ...Object.entries(mapShapes).map(([type, { shape, since }]) =>
    mapFeature(type as MapTypeName, since, type.endsWith("_of_maps") ? { inner: innerShape } : {}, shape),
  ),
  ...storageTypes.map(([type, since]) => storageFeature(type, since)),
];

function tryBatch(): void {
  using map = KernelMap.create({ name: "probe", type: "hash", keySize: 4, valueSize: 4, maxEntries: 1 });
  const options = { fd: map.fd, count: 1, keys: new Uint8Array(4), values: new Uint8Array(4) };
  checked(mapBatch(command.mapUpdateBatch, options).result, "a batch update");
}

function tryMemoryMapping(): void {
  const flags = mapFlags.mmapable;
  using map = KernelMap.create({ name: "probe", type: "array", keySize: 4, valueSize: 8, maxEntries: 1, flags });
  map.view().close();
}

/** Loads type information that has one more type than `int`. */
function tryTypes(add: (types: BtfBuilder, int: number) => void): () => void {
  return () => {
    const types = new BtfBuilder();
    add(types, types.int("int", 4, { signed: true }));
    BtfObject.load(types.toBytes()).close();
  };
}

function tryPermission(): void {
  const fd = mapCreate({ type: 2, keySize: 4, valueSize: 4, maxEntries: 1 });
  KernelMap.fromFd(checked(fd, "creating a map", "run as root, or with CAP_BPF and CAP_NET_ADMIN")).close();
  tryInstructions([build.movImm(0, 0), build.exit()]);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function tryBpffs(): void {
  if (mountedBpffs().some(isWritable)) return;
  if (!existsSync(DEFAULT_BPFFS)) throw new NotSupported("bpffs", `there is no directory ${DEFAULT_BPFFS}`);
  if (process.getuid?.() === 0) return;
  const message = "no bpffs is mounted that this process may write to, and only root can mount one";
  throw new IovisorError("E_PERMISSION", message, `mount -t bpf bpf ${DEFAULT_BPFFS}`);
}

/** What all else stands on, and what belongs to maps and types in general. */
export const objectFeatures: readonly Feature[] = [
  {
    name: "bpf",
    what: "permission for bpf(2): maps and packet programs",
    minimumKernel: "4.1",
    attempt: tryPermission,
  },
  {
    name: "bpffs",
    what: "a file system for pinned objects",
    minimumKernel: "4.4",
    withoutBpf: true,
    attempt: tryBpffs,
  },
  { name: "btf", what: "type information (BTF)", minimumKernel: "4.18", attempt: tryTypes(() => {}) },
  {
    name: "btf-func",
    what: "type information of functions",
    minimumKernel: "5.0",
    attempt: tryTypes((types, int) => types.func("f", types.prototype(int, []), "static")),
  },
  {
    name: "btf-datasec",
    what: "type information of data sections",
    minimumKernel: "5.2",
    attempt: tryTypes((types, int) => types.datasec(".data", 4, [{ type: types.var("v", int), offset: 0, size: 4 }])),
  },
  {
    name: "kernel-btf",
    what: "the kernel's own types",
    minimumKernel: "5.4",
    withoutBpf: true,
    attempt: () => void kernelTypes(),
  },
  { name: "mmapable-arrays", what: "arrays mapped into memory", minimumKernel: "5.5", attempt: tryMemoryMapping },
  { name: "batch", what: "many map elements per call", minimumKernel: "5.6", attempt: tryBatch },
  { name: "statistics", what: "run counts and times", minimumKernel: "5.8", attempt: () => enableStatistics().close() },
  {
    name: "btf-decl-tag",
    what: "declaration tags in type information",
    minimumKernel: "5.16",
    attempt: tryTypes((types, int) => {
      const structure = types.struct("s", 4, [{ name: "m", type: int, bitOffset: 0 }]);
      types.declTag("tag", structure);
    }),
  },
  {
    name: "btf-enum64",
    what: "64-bit enumerations in type information",
    minimumKernel: "6.0",
    attempt: tryTypes((types) => types.enum("wide", [{ name: "large", value: 1n << 40n }])),
  },
];
