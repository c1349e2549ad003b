import type { EventSource } from "../../engine/events.ts";
import type { HostContext, HostProcess } from "../../engine/host/host-side.ts";

interface Logged {
  readonly rule: number;
  readonly port: number;
  readonly length: number;
  readonly packet: Uint8Array;
}

const portNames = ["inside", "outside"] as const;

/** Reports the packets of rules that log. When nobody keeps up the newest are lost; the rules' counters know of all. */
export function startLog(context: HostContext): HostProcess {
  const source = context.map("log") as unknown as EventSource<Logged>;
  const stream = source.stream({ whenFull: "drop-newest" });
  void report(context, stream);
  return { stop: () => stream[Symbol.dispose]() };
}

async function report(context: HostContext, stream: AsyncIterable<Logged>): Promise<void> {
  for await (const { rule, port, length, packet } of stream) {
    const header = Buffer.from(packet).toString("hex");
    context.report({ kind: "logged", rule, port: portNames[port] ?? String(port), length, packet: header });
  }
}
