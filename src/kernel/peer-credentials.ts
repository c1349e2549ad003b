/** Who is at the other end of a unix socket, as the kernel saw it when the connection was made. */
import { syscall } from "./sys/native.ts";
import { NR } from "./sys/numbers.ts";

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid. */
const UCRED_SIZE = 12;

/** Undefined for what is no connected unix socket. */
export function peerCredentials(fd: number): PeerCredentials | undefined {
  const credentials = new Uint8Array(UCRED_SIZE);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, UCRED_SIZE, true);
  if (syscall(NR.getsockopt, fd, SOL_SOCKET, SO_PEERCRED, credentials, length) < 0) return undefined;
  const view = new DataView(credentials.buffer);
  const pid = view.getInt32(0, true);
  if (pid <= 0) return undefined;
  return { pid, uid: view.getUint32(4, true), gid: view.getUint32(8, true) };
}
