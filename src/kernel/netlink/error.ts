/** The kernel's answers to netlink requests, as errors. */
import { NotSupported } from "../../errors.ts";
import { errno, errnoText } from "../sys/errno.ts";
import { classify, SystemError } from "../system-error.ts";
import { Attributes } from "./message.ts";

const ACK_TLVS = 0x200;
const CAPPED = 0x100;
const EXTACK = { message: 1, missingType: 5 } as const;

/** A request that the kernel refused; the message holds the kernel's own words where it gave any. */
export class NetlinkError extends SystemError {
  /** The kernel's extended acknowledgement: what it disliked, in words. */
  readonly extack: string | undefined;

  /** `remedy` replaces the usual one for the error number, where the request tells more. */
  constructor(action: string, number: number, extack: string | undefined, remedy?: string) {
    const usual = classify(number);
    const reason = extack === undefined ? errnoText(number) : `${extack}: ${errnoText(number)}`;
    super(usual.code, `${action} failed: ${reason}`, remedy ?? usual.remedy, number);
    this.extack = extack;
  }
}

/** The result of a request: 0, or a negative error number with the kernel's words. */
export interface Acknowledgement {
  readonly result: number;
  readonly extack: string | undefined;
}

/** Reads the payload of an NLMSG_ERROR message. The request is echoed before the attributes unless `flags` say not. */
export function readAcknowledgement(flags: number, payload: Uint8Array): Acknowledgement {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const result = view.getInt32(0, true);
  if (!(flags & ACK_TLVS)) return { result, extack: undefined };
  const echoed = flags & CAPPED ? 16 : (view.getUint32(4, true) + 3) & ~3;
  return { result, extack: describe(new Attributes(payload, 4 + echoed)) };
}

/** Reads the payload of an NLMSG_DONE message: the error that ended a dump, if any. */
export function readDone(flags: number, payload: Uint8Array): Acknowledgement {
  if (payload.length < 4) return { result: 0, extack: undefined };
  const result = new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getInt32(0, true);
  return { result, extack: flags & ACK_TLVS ? describe(new Attributes(payload, 4)) : undefined };
}

function describe(attributes: Attributes): string | undefined {
  const message = attributes.text(EXTACK.message);
  const missing = attributes.u32(EXTACK.missingType);
  if (missing === undefined) return message;
  return `${message ?? "an attribute is missing"} (attribute ${missing})`;
}

/** Throws if the kernel refused. `action` says what was asked: "adding the route to 10.0.0.0/8". */
export function assertAccepted(action: string, { result, extack }: Acknowledgement): void {
  if (result >= 0) return;
  if (-result === errno.EOPNOTSUPP) {
    throw new NotSupported(
      action,
      `${action} failed: ${extack ?? errnoText(result)}; this kernel has no support for it`,
    );
  }
  throw new NetlinkError(action, -result, extack);
}
