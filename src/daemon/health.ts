import type { Health } from "../api/machine.ts";
import type { Visor } from "../engine/visor/visor.ts";

/** Whether all that belongs to the graph is at work, and what is not. */
export function healthOf({ degraded, running }: Visor): Pick<Health, "status" | "graph" | "hostSides"> {
  const failed = [...running.hostSides].flatMap(([instance, { state, message = "", nextStart }]) => {
    return state === "failed" && nextStart ? [{ instance, message, nextStart: nextStart.toISOString() }] : [];
  });
  return {
    status: degraded || failed.length > 0 ? "degraded" : "ok",
    ...(degraded ? { graph: graphHealth(degraded) } : {}),
    ...(failed.length > 0 ? { hostSides: failed } : {}),
  };
}

function graphHealth({ code, message, remedy, since }: NonNullable<Visor["degraded"]>): NonNullable<Health["graph"]> {
  return { code, message, remedy, since: since.toISOString() };
}
