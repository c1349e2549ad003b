import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { skipWithoutNetwork } from "../../../test/network/network.ts";
import { concat } from "../../capture/octets.ts";
import { buildPacket } from "../../capture/packet.ts";
import { readCapture } from "../../capture/read-capture.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { ObservedPacket } from "../visor/observe.ts";
import type { TappedPort } from "../visor/taps.ts";
import { capturePackets, capturePcapng } from "./capture.ts";
import { Line } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 60_000 };
const udp = (port: number): string => `ip 192.0.2.1 > 192.0.2.2 / udp 1 > ${port} / payload "0123456789"`;
const ports: readonly TappedPort[] = [{ instance: "g2", what: ["in", "out"] }];

function missing(tool: string): string | false {
  return spawnSync(tool, ["--version"], { stdio: "ignore" }).status === 0 ? false : `${tool} is not installed`;
}

/** Captures what a test sends, until the capture is ended. */
async function captured(hook: PipelineHook, send: (line: Line) => void): Promise<Uint8Array> {
  await using line = await Line.make(hook);
  await using observation = await line.visor.observe({ ports });
  send(line);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await observation.stop();
  const pieces: Uint8Array[] = [];
  for await (const piece of capturePcapng(observation, ports)) pieces.push(piece);
  return concat(...pieces);
}

function read(tool: string, args: readonly string[], file: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), `iov${process.pid}-`));
  try {
    const path = join(folder, "capture.pcapng");
    writeFileSync(path, file);
    const { stdout, stderr, status } = spawnSync(tool, [...args, "-r", path], { encoding: "utf8", timeout: 30_000 });
    assert.equal(status, 0, stderr);
    return stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const hook of ["tcx", "xdp"] satisfies PipelineHook[]) {
  test(`a capture has ports as interfaces, and verdicts as comments (${hook})`, options, async (t) => {
    const file = await captured(hook, (line) => {
      line.send(`eth / ${udp(7)}`, `eth / ${udp(9)}`, `eth / vlan 10 / ${udp(7)}`, `eth / svlan 11 / ${udp(7)}`);
    });
    const rows = readCapture(file).map((packet) => [packet.interface, packet.direction, packet.comment]);
    const expected = [
      ["g2.inside", "in", "forwarded to outside"],
      ["g2.outside", "out", "came in on g2.inside"],
      ["g2.inside", "in", "dropped: unwanted (UDP to port 9 is not wanted)"],
      ["g2.inside", "in", "forwarded to outside"],
      ["g2.outside", "out", "came in on g2.inside"],
      ["g2.inside", "in", "forwarded to outside"],
      ["g2.outside", "out", "came in on g2.inside"],
    ];
    assert.deepEqual(rows, expected);
    if (missing("tcpdump")) t.diagnostic("tcpdump is not installed");
    else {
      const lines = read("tcpdump", ["-nn", "-t", "-e"], file).trimEnd().split("\n");
      assert.equal(lines.length, 7);
      assert.match(lines[0]!, /^02:00:00:00:00:01 > .*192\.0\.2\.1\.1 > 192\.0\.2\.2\.7: UDP, length 10$/);
      assert.match(lines[1]!, /^02:00:00:00:00:02 > /);
      assert.match(lines[2]!, /192\.0\.2\.2\.9: /);
      assert.match(lines[3]!, /ethertype 802\.1Q \(.*vlan 10, .*192\.0\.2\.2\.7: /);
      assert.match(lines[5]!, /ethertype 802\.1Q-QinQ.*vlan 11, .*192\.0\.2\.2\.7: /);
    }
    if (missing("tshark")) t.diagnostic("tshark is not installed");
    else {
      const fields = [
        "frame.interface_name",
        "frame.packet_flags_direction",
        "frame.comment",
        "vlan.id",
        "ieee8021ad.id",
        "udp.dstport",
      ];
      const text = read("tshark", ["-T", "fields", ...fields.flatMap((field) => ["-e", field])], file);
      const seen = text.trimEnd().split("\n");
      assert.deepEqual(
        seen.map((row) => row.split("\t").slice(0, 3)),
        expected.map(([port, direction, comment]) => [port, direction === "in" ? "0x00000001" : "0x00000002", comment]),
      );
      assert.deepEqual(
        seen.map((row) => row.split("\t").slice(3).join(" ")),
        ["  7", "  7", "  9", "10  7", "10  7", " 11 7", " 11 7"],
      );
    }
  });
}

test("packets whose verdict is lost are captured without it, and losses are told of", options, async () => {
  const one = (id: bigint, outcome: ObservedPacket["outcome"]): ObservedPacket => {
    const bytes = buildPacket(`eth / ${udp(7)}`);
    return { id, timestamp: id, instance: "g2", port: "inside", outcome, bytes, length: bytes.length };
  };
  async function* records(): AsyncGenerator<ObservedPacket> {
    yield one(1n, { kind: "in" });
    yield one(2n, { kind: "in" });
    yield one(2n, { kind: "out", port: "outside", to: "nothing" });
    yield one(2n, { kind: "drop", reason: "unlinked", description: "" });
    yield one(3n, {
      kind: "flood",
      group: 7,
      ports: [
        { port: "outside", tag: 5 },
        { port: "inside", tag: undefined },
      ],
    });
  }
  const packets = [];
  for await (const packet of capturePackets(records(), ports)) packets.push(packet);
  assert.deepEqual(
    packets.map((packet) => [packet.timestamp, packet.interface, packet.comment]),
    [
      [2n, "g2.inside", "dropped: unlinked"],
      [3n, "g2.outside", "came in on g2.inside; a copy for group 7"],
      [3n, "g2.inside", "came in on g2.inside; a copy for group 7"],
      [1n, "g2.inside", undefined],
    ],
  );
  assert.deepEqual([...packets[1]!.bytes.subarray(12, 16)], [0x81, 0, 0, 5]);
});
