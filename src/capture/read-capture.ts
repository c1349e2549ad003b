import { badCapture, type CapturedPacket } from "./capture.ts";
import { isPcap, readPcap } from "./pcap.ts";
import { isPcapng, readPcapng } from "./pcapng.ts";

/** The packets of a pcap or pcapng file, told apart by their first bytes. Throws E_FORMAT with the position. */
export function readCapture(bytes: Uint8Array): CapturedPacket[] {
  if (isPcapng(bytes)) return readPcapng(bytes);
  if (isPcap(bytes)) return readPcap(bytes);
  throw badCapture("it begins neither as pcap nor as pcapng");
}
