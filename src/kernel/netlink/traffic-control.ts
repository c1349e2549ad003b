/** The clsact queueing discipline and its BPF filters: how programs got to ingress and egress before TCX. */
import { errno } from "../sys/errno.ts";
import { hasErrno } from "../system-error.ts";
import { NLM_F, RTM } from "./constants.ts";
import { Attributes, concat, nest, textAttribute, u32Attribute } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const HEADER_SIZE = 20;
const TC_H_CLSACT = 0xfffffff1;
const CLSACT_HANDLE = 0xffff0000;
const parents = { ingress: 0xfffffff2, egress: 0xfffffff3 } as const;
const TCA = { kind: 1, options: 2 } as const;
const TCA_BPF = { fd: 6, name: 7, flags: 8, programId: 11 } as const;
/** The program's return value is the verdict. */
const DIRECT_ACTION = 1;
/** ETH_P_ALL in network order. */
const ALL_PROTOCOLS = 0x0300;

export type Direction = keyof typeof parents;

/** Where a filter sits. */
export interface FilterPlace {
  readonly device: number;
  readonly direction: Direction;
  /** 1 to 65535; lower runs earlier. */
  readonly priority: number;
  readonly handle: number;
}

/** A BPF filter. */
export interface BpfFilter extends FilterPlace {
  readonly programId: number;
  readonly name: string;
  readonly directAction: boolean;
}

/** struct tcmsg. */
function header(device: number, handle: number, parent: number, info: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, device, true);
  view.setUint32(8, handle, true);
  view.setUint32(12, parent, true);
  view.setUint32(16, info, true);
  return bytes;
}

/** Gives a device the clsact discipline. Returns false if it has one already. Throws E_BUSY if it has "ingress". */
export function addClsact(socket: NetlinkSocket, device: number): boolean {
  const payload = concat([header(device, CLSACT_HANDLE, TC_H_CLSACT, 0), textAttribute(TCA.kind, "clsact")]);
  try {
    socket.request("adding the clsact discipline", RTM.newQdisc, NLM_F.create | NLM_F.exclusive, payload);
    return true;
  } catch (error) {
    if (hasErrno(error, errno.EEXIST) && hasClsact(socket, device)) return false;
    throw error;
  }
}

/** Takes the clsact discipline away, with all filters. */
export function deleteClsact(socket: NetlinkSocket, device: number): void {
  const payload = concat([header(device, CLSACT_HANDLE, TC_H_CLSACT, 0), textAttribute(TCA.kind, "clsact")]);
  socket.request("deleting the clsact discipline", RTM.delQdisc, 0, payload);
}

/** Has the device the clsact discipline? */
export function hasClsact(socket: NetlinkSocket, device: number): boolean {
  return socket.dump("listing queueing disciplines", RTM.getQdisc, header(device, 0, 0, 0)).some(({ payload }) => {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    return view.getInt32(4, true) === device && new Attributes(payload, HEADER_SIZE).text(TCA.kind) === "clsact";
  });
}

/** All filters of one direction that are of any kind: how many there are besides BPF's matters for cleaning up. */
export function countFilters(socket: NetlinkSocket, device: number, direction: Direction): number {
  return dumpFilters(socket, device, direction).filter(({ handle }) => handle !== 0).length;
}

/** The BPF filters of one direction, in the order in which they run. */
export function listBpfFilters(socket: NetlinkSocket, device: number, direction: Direction): BpfFilter[] {
  return dumpFilters(socket, device, direction)
    .filter(({ kind, handle }) => kind === "bpf" && handle !== 0)
    .map(({ priority, handle, options }) => ({
      device,
      direction,
      priority,
      handle,
      programId: options?.u32(TCA_BPF.programId) ?? 0,
      name: options?.text(TCA_BPF.name) ?? "",
      directAction: ((options?.u32(TCA_BPF.flags) ?? 0) & DIRECT_ACTION) !== 0,
    }));
}

function dumpFilters(socket: NetlinkSocket, device: number, direction: Direction) {
  return socket
    .dump("listing tc filters", RTM.getFilter, header(device, 0, parents[direction], 0))
    .map(({ payload }) => {
      const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
      const attributes = new Attributes(payload, HEADER_SIZE);
      return {
        handle: view.getUint32(8, true),
        priority: view.getUint32(16, true) >>> 16,
        kind: attributes.text(TCA.kind),
        options: attributes.nested(TCA.options),
      };
    });
}

/**
 * Puts a program at a place, in direct-action mode. `exclusive`: throws E_BUSY if there is a filter; otherwise the
 * program of the filter there is replaced at once.
 */
export function setBpfFilter(
  socket: NetlinkSocket,
  place: FilterPlace,
  program: { readonly fd: number; readonly name: string },
  exclusive: boolean,
): void {
  const options = [
    u32Attribute(TCA_BPF.fd, program.fd),
    textAttribute(TCA_BPF.name, program.name),
    u32Attribute(TCA_BPF.flags, DIRECT_ACTION),
  ];
  const payload = concat([placeHeader(place), textAttribute(TCA.kind, "bpf"), nest(TCA.options, ...options)]);
  const flags = NLM_F.create | (exclusive ? NLM_F.exclusive : 0);
  socket.request(`setting the ${place.direction} filter`, RTM.newFilter, flags, payload);
}

/** Takes one filter away. */
export function deleteFilter(socket: NetlinkSocket, place: FilterPlace): void {
  const payload = concat([placeHeader(place), textAttribute(TCA.kind, "bpf")]);
  socket.request(`deleting the ${place.direction} filter`, RTM.delFilter, 0, payload);
}

function placeHeader({ device, direction, priority, handle }: FilterPlace): Uint8Array {
  return header(device, handle, parents[direction], ((priority << 16) | ALL_PROTOCOLS) >>> 0);
}
