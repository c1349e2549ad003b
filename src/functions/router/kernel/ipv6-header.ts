import { be16, be32, be64, struct, type TypeOf, u8 } from "iovisor/kernel";

/** RFC 8200, section 3, with addresses as pairs of numbers. */
export const Ipv6 = struct({
  versionClassFlow: be32,
  payloadLength: be16,
  nextHeader: u8,
  hopLimit: u8,
  sourceHigh: be64,
  sourceLow: be64,
  destinationHigh: be64,
  destinationLow: be64,
});
export type Ipv6 = TypeOf<typeof Ipv6>;
