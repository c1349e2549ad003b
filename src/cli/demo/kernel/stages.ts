import type { Stage } from "../stage.ts";
import { closedPortStage } from "./closed-port.ts";
import { connectGuardStage } from "./connect-guard.ts";
import { dnsLogStage } from "./dns-log.ts";
import { execSnoopStage } from "./exec-snoop.ts";
import { graphStage } from "./graph.ts";
import { Leftovers, leftoversStage } from "./leftovers.ts";
import { replaceStage } from "./replace.ts";

/** In the order of the show; the last one looks for what the others left behind. */
export function kernelStages(): readonly Stage[] {
  const leftovers = new Leftovers();
  return [
    closedPortStage,
    replaceStage,
    dnsLogStage,
    execSnoopStage,
    connectGuardStage,
    graphStage,
    leftoversStage(leftovers),
  ];
}
