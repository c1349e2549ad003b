import type { Outcome } from "../visor/observe.ts";

/** What became of a packet, for people. */
export function outcomeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case "in":
      return "came in";
    case "out":
      return outcome.to === "host" ? `forwarded to the host by ${outcome.port}` : `forwarded to ${outcome.port}`;
    case "host":
      return "passed to the host";
    case "flood": {
      const names = outcome.ports.map(({ port, tag }) => (tag === undefined ? port : `${port} (tagged)`));
      return `flooded to group ${outcome.group}: ${names.join(", ") || "nobody else"}`;
    }
    case "punt":
      return `punted to its host side: ${outcome.reason}`;
    case "drop":
      return `dropped: ${outcome.reason}${outcome.description === "" ? "" : ` (${outcome.description})`}`;
  }
}
