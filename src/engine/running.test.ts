import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork, testPair, type VirtualNetwork } from "../../test/network/network.ts";
import { buildPacket } from "../capture/packet.ts";
import { IovisorError } from "../errors.ts";
import { listDeviceAttachments } from "../kernel/hooks.ts";
import { RunningFunction } from "./running.ts";
import { counterModule } from "./testing.ts";
import { TypedMap } from "./typed-map.ts";

interface Usage {
  readonly packets: bigint;
  readonly bytes: bigint;
}
interface Seen {
  readonly length: number;
  readonly type: number;
}

const ipv4 = 0x0800;
const skip = skipWithoutNetwork;
const frame = buildPacket("eth / ip 192.0.2.1 > 192.0.2.2 / udp 1000 > 7");

/** Sends frames from "a" to "b". */
function send(network: VirtualNetwork, count: number): void {
  using sender = network.host("a").packets("eth0");
  for (let sent = 0; sent < count; sent++) sender.send(frame);
}

function usageOf(running: RunningFunction): TypedMap<number, Usage> {
  const map = running.maps["usage"];
  assert.ok(map instanceof TypedMap);
  return map as TypedMap<number, Usage>;
}

function counter(network: VirtualNetwork, options: Parameters<typeof counterModule>[0] = {}): RunningFunction {
  const running = new RunningFunction(counterModule(options));
  running.attach("xdp:eth0", { netns: network.host("b").namespace });
  return running;
}

test("attaches by a line, counts, and detaches with `using`", { skip, timeout: 20_000 }, () => {
  using network = testPair();
  const { namespace } = network.host("b");
  {
    using running = counter(network);
    send(network, 3);
    assert.deepEqual(usageOf(running).get(ipv4), { packets: 3n, bytes: 0n });
    assert.deepEqual(
      listDeviceAttachments(namespace).map(({ programId }) => programId),
      running.attachments.map(({ programId }) => programId),
    );
  }
  assert.deepEqual(listDeviceAttachments(namespace), []);
});

test("attaches one program to several hooks, which share its maps", { skip, timeout: 20_000 }, () => {
  using network = testPair();
  using running = counter(network);
  using second = running.attach("tcx-ingress:eth0", { netns: network.host("b").namespace });
  send(network, 2);
  assert.equal(usageOf(running).get(ipv4)?.packets, 4n);
  second.detach();
  send(network, 1);
  assert.equal(usageOf(running).get(ipv4)?.packets, 5n);
  assert.equal(running.attachments.length, 1);
});

test("a replacement runs at once and keeps maps whose layout did not change", { skip, timeout: 20_000 }, () => {
  using network = testPair();
  using running = counter(network);
  const usage = usageOf(running);
  send(network, 2);
  const replacement = running.replace(counterModule({ step: 1000 }));
  assert.deepEqual(replacement.kept, ["usage", "seen"]);
  send(network, 1);
  assert.equal(usage.get(ipv4)?.packets, 1002n, "the object that the host holds stays good");
  assert.equal(usageOf(running), usage);
});

test("a replacement makes maps anew whose layout changed, also at the same size", { skip, timeout: 20_000 }, () => {
  using network = testPair();
  using running = counter(network);
  send(network, 2);
  const { kept, renewed } = running.replace(counterModule({ value: "swapped" }));
  assert.deepEqual(kept, ["seen"]);
  assert.deepEqual([...renewed], [["usage", "its values have another layout"]]);
  send(network, 1);
  assert.deepEqual(usageOf(running).get(ipv4), { bytes: 0n, packets: 1n });
  assert.equal(running.replace(counterModule({ value: "swapped", maxEntries: 128 })).renewed.size, 1);
});

test("a replacement that fails leaves the old version running", { skip, timeout: 20_000 }, () => {
  using network = testPair();
  using running = counter(network);
  const [attachment] = running.attachments;
  const before = attachment!.programId;
  const { programs, ...rest } = counterModule();
  const two = {
    ...rest,
    programs: [
      { ...programs[0]!, name: "one" },
      { ...programs[0]!, name: "two" },
    ],
  };
  assert.throws(() => running.replace(two), { code: "E_USAGE", message: /no program "count"/ });
  assert.throws(() => running.replace({ ...counterModule(), maps: [] }), Error);
  send(network, 2);
  assert.equal(attachment!.programId, before);
  assert.equal(usageOf(running).get(ipv4)?.packets, 2n);
});

test("events go on across replacements", { skip, timeout: 20_000 }, async () => {
  using network = testPair();
  using running = counter(network);
  const events = running.events[Symbol.asyncIterator]();
  const next = async (): Promise<Seen> => (await events.next()).value as Seen;
  send(network, 2);
  const expected = { length: frame.length, type: ipv4 };
  assert.deepEqual([await next(), await next()], [expected, expected]);
  running.replace(counterModule({ step: 2 }));
  send(network, 1);
  assert.deepEqual(await next(), expected);
  running.replace(counterModule({ events: false }));
  running.replace(counterModule());
  send(network, 1);
  assert.deepEqual(await next(), expected);
  events.close();
  assert.deepEqual(await events.next(), { done: true, value: undefined });
});

test("says which programs there are when none fits the hook", { skip }, () => {
  using running = new RunningFunction(counterModule());
  const refuses = (where: string, message: RegExp, options = {}) =>
    assert.throws(
      () => running.attach(where, options),
      (error) => {
        assert.ok(error instanceof IovisorError);
        assert.equal(error.code, "E_USAGE");
        assert.match(`${error.message}; ${error.remedy}`, message);
        return true;
      },
    );
  refuses("cgroup-connect4:/", /no program for cgroup-connect4; its programs are: count \(packet\)/);
  refuses("xdp:lo", /no program "other" for xdp/, { program: "other" });
  refuses("sk-lookup", /there is no hook "sk-lookup" for kernel code/);
  refuses("nowhere:eth0", /there is no hook "nowhere"/);
});

test("closing twice is no harm", { skip }, () => {
  const running = new RunningFunction(counterModule());
  running.close();
  running.close();
});
