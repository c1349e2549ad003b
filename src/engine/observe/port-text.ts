import { IovisorError } from "../../errors.ts";
import type { LinkEnd, Model } from "../visor/model.ts";
import type { TappedPort } from "../visor/taps.ts";

/**
 * The port that people mean by "sw1.lan1", "sw1" (all of its ports), "dev:lan1" (the port that the device is linked to)
 * or a link, "sw1.uplink -> fw.inside": the port that stands first.
 *
 * @throws E_USAGE
 */
export function readTappedPort(text: string, { links }: Pick<Model, "links">, what: TappedPort["what"]): TappedPort {
  const ends = text.split("->").map((end) => end.trim());
  const first = ends.find((end) => !/^(?:dev|host):/.test(end));
  if (first !== undefined) {
    const dot = first.indexOf(".");
    return dot < 0 ? { instance: first, what } : { instance: first.slice(0, dot), port: first.slice(dot + 1), what };
  }
  const [, side, device] = /^(dev|host):(.+)$/.exec(ends[0] ?? "") ?? [];
  const kind = side === "dev" ? "device" : "host";
  const isIt = (end: LinkEnd): boolean => end.kind === kind && end.device === device;
  const other = links.flatMap(([left, right]) => (isIt(left) ? [right] : isIt(right) ? [left] : []))[0];
  if (other?.kind === "port") return { instance: other.instance, port: other.port, what };
  throw new IovisorError("E_USAGE", `nothing is linked to "${ends[0]}"`, "`iovisor get graph` shows the links");
}
