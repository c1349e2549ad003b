import { setImmediate } from "node:timers/promises";
import type * as ClosedPort from "../../../../examples/closed-port.ts";
import type { Module } from "../../../compiler/hir/tree.ts";
import { RunningFunction } from "../../../engine/running.ts";
import type { VirtualNetwork } from "../../../kernel/virtual-network.ts";
import { compileExample } from "../examples.ts";
import { demand, type Say, type Stage } from "../stage.ts";
import { editedModule } from "./edit.ts";
import { addressNumber, serverAddress, serverDevice, twoHosts } from "./network.ts";

const datagrams = 20_000;
const swaps = 50;
const port = 7000;

/** A running function is edited many times while numbered datagrams pass through it. */
export const replaceStage: Stage = {
  title: "an edited function replaces the running one",
  expected: `${swaps} swaps, ${datagrams} of ${datagrams} datagrams delivered, map kept`,
  async show(say) {
    const original = await compileExample("closed-port", say);
    const edited = await editedModule("closed-port", (source) => source.replace("default(9999,", "default(9998,"), say);
    using network = twoHosts();
    using fn = new RunningFunction<typeof ClosedPort>(original);
    const attachment = fn.attach(`xdp:${serverDevice}`, { netns: network.host("server").namespace });
    const witness = addressNumber("192.0.2.7");
    fn.maps.usage.set(witness, { packets: 42n, bytes: 4200n });
    const first = attachment.programId;
    const { received, milliseconds } = await sendWhileSwapping(fn, [edited, original], network, say);
    const kept = fn.maps.usage.get(witness)?.packets === 42n;
    const changed = attachment.programId !== first;
    const median = milliseconds.toSorted((a, b) => a - b)[Math.floor(milliseconds.length / 2)]!;
    demand(
      received === datagrams && kept && changed && milliseconds.length === swaps,
      `${milliseconds.length} swaps, ${received} of ${datagrams} delivered, map kept: ${kept}`,
    );
    return `${swaps} swaps, median ${median.toFixed(1)} ms; ${received} of ${datagrams} delivered, map kept`;
  },
};

async function sendWhileSwapping(
  fn: RunningFunction<typeof ClosedPort>,
  versions: readonly Module[],
  network: VirtualNetwork,
  say: Say,
): Promise<{ readonly received: number; readonly milliseconds: readonly number[] }> {
  const numbers = new Set<number>();
  const receiver = await network.host("server").udp(serverAddress, port);
  const sender = await network.host("client").udp("10.66.0.1");
  receiver.setRecvBufferSize(4 << 20);
  receiver.on("message", (message) => numbers.add(message.readUInt32LE(0)));
  const milliseconds: number[] = [];
  try {
    for (let sent = 0; sent < datagrams; sent++) {
      sender.send(Buffer.from(Uint32Array.of(sent).buffer), port, serverAddress);
      // In bursts below what the event loop reads from a socket in one turn (32, uv__udp_recvmsg), so that what is
      // counted is the function's loss and not a full socket's.
      if (sent % 16 === 15) await setImmediate();
      if (sent % (datagrams / swaps) === datagrams / swaps / 2) {
        const version = versions[milliseconds.length % versions.length]!;
        milliseconds.push(fn.replace(version).milliseconds);
      }
    }
    for (let round = 0; round < 200 && numbers.size < datagrams; round++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    receiver.close();
    sender.close();
  }
  say(`${datagrams} datagrams sent, ${numbers.size} arrived`);
  return { received: numbers.size, milliseconds };
}
