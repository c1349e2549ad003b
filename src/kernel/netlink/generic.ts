/** Generic netlink: families that get their number at run time (kernel: include/uapi/linux/genetlink.h). */
import { NotSupported } from "../../errors.ts";
import { errno } from "../sys/errno.ts";
import { hasErrno } from "../system-error.ts";
import { Attributes, concat, textAttribute } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const GENL_ID_CTRL = 0x10;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR = { familyId: 1, familyName: 2 } as const;
const HEADER_SIZE = 4;

/** Sends a command of a family and returns the attributes of each answer. */
export function genericRequest(
  socket: NetlinkSocket,
  action: string,
  family: number,
  command: number,
  attributes: readonly Uint8Array[],
): Attributes[] {
  const payload = concat([Uint8Array.of(command, 1, 0, 0), ...attributes]);
  return socket.request(action, family, 0, payload).map((message) => new Attributes(message.payload, HEADER_SIZE));
}

/** The number of a family. Throws NotSupported if the kernel has none of that name. */
export function resolveFamily(socket: NetlinkSocket, name: string): number {
  const action = `finding the netlink family ${name}`;
  try {
    const [answer] = genericRequest(socket, action, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, [
      textAttribute(CTRL_ATTR.familyName, name),
    ]);
    const id = answer?.u16(CTRL_ATTR.familyId);
    if (id !== undefined) return id;
  } catch (error) {
    if (!hasErrno(error, errno.ENOENT)) throw error;
  }
  throw new NotSupported(`netlink family ${name}`, `this kernel has no netlink family "${name}"`);
}
