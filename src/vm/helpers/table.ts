import { helperId } from "../../bytecode/helper-names.ts";
import { basicHelpers } from "./basic.ts";
import { checksumHelpers } from "./checksum.ts";
import { controlHelpers } from "./control.ts";
import { formatHelpers } from "./format.ts";
import type { Helper } from "./helper.ts";
import { lockHelpers } from "./locks.ts";
import { mapHelpers } from "./maps.ts";
import { redirectHelpers } from "./redirect.ts";
import { outputHelpers } from "./ring-buffer.ts";
import { routingHelpers } from "./routing.ts";
import { skbByteHelpers } from "./skb-bytes.ts";
import { skbSizeHelpers } from "./skb-size.ts";
import { skbVlanHelpers } from "./skb-vlan.ts";
import { timerHelpers } from "./timers.ts";
import { xdpHelpers } from "./xdp.ts";

const groups = [
  basicHelpers,
  checksumHelpers,
  controlHelpers,
  formatHelpers,
  lockHelpers,
  mapHelpers,
  outputHelpers,
  redirectHelpers,
  routingHelpers,
  skbByteHelpers,
  skbSizeHelpers,
  skbVlanHelpers,
  timerHelpers,
  xdpHelpers,
];

/** Every helper that the machine has, by the kernel's number. */
export const helpers: ReadonlyMap<number, Helper> = new Map(
  groups.flatMap((group) => Object.entries(group).map(([name, helper]) => [helperId(name)!, helper] as const)),
);
