import type { Edit } from "../../api/graph.ts";
import { IovisorError } from "../../errors.ts";
import { parseConfig } from "./config.ts";

type NewPort = NonNullable<Extract<Edit, { kind: "createInstance" }>["ports"]>[number];

/**
 * A port of the command line: `[name=]END[,setting=value...]`, where the end is `dev:eth0`, `host:eth0` or
 * `instance.port`; `name` alone is a port that is not linked.
 */
export function parsePort(text: string): NewPort {
  const [head = "", ...settings] = text.split(",");
  const config = settings.length > 0 ? { settings: parseConfig(settings) } : {};
  const equals = head.indexOf("=");
  if (equals === 0 || head === "") {
    throw new IovisorError("E_USAGE", `"${text}" is no port`, "write [NAME=]dev:DEVICE, NAME=INSTANCE.PORT or NAME");
  }
  if (equals > 0) return { name: head.slice(0, equals), link: head.slice(equals + 1), ...config };
  return { ...(/[:.]/.test(head) ? { link: head } : { name: head }), ...config };
}
