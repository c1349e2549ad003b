import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { IovisorError } from "../errors.ts";
import { type CapturedPacket, capturedPacket } from "./capture.ts";
import { buildPacket } from "./packet.ts";
import { writePcap } from "./pcap.ts";
import { PcapngWriter, writePcapng } from "./pcapng-writer.ts";
import { readCapture } from "./read-capture.ts";

const syn = buildPacket("eth / ip / tcp 1234 > 80 syn");
const packets: CapturedPacket[] = [
  capturedPacket(syn, { timestamp: 1_700_000_000_123_456_789n }),
  capturedPacket(syn.subarray(0, 51), { timestamp: 1_700_000_001_000_000_001n, originalLength: 1500 }),
];

describe("pcap", () => {
  for (const bigEndian of [false, true]) {
    test(`${bigEndian ? "big" : "little"}-endian nanoseconds read back as written`, () => {
      assert.deepEqual(readCapture(writePcap(packets, { bigEndian })), packets);
    });

    test(`${bigEndian ? "big" : "little"}-endian microseconds lose the last three digits`, () => {
      const read = readCapture(writePcap(packets, { bigEndian, unit: "microseconds" }));
      assert.deepEqual(
        read.map((packet) => packet.timestamp),
        [1_700_000_000_123_456_000n, 1_700_000_001_000_000_000n],
      );
    });
  }

  test("refuses packets of two link types", () => {
    const mixed = [packets[0]!, { ...packets[1]!, linkType: 101 }];
    assert.throws(() => writePcap(mixed), { code: "E_USAGE", message: /1 and 101/ });
  });
});

describe("pcapng", () => {
  const rich: CapturedPacket[] = [
    { ...packets[0]!, interface: "eth0", comment: "first: größer" },
    { ...packets[1]!, interface: "tun0", linkType: 101 },
    { ...packets[0]!, interface: "eth0" },
  ];

  for (const bigEndian of [false, true]) {
    test(`${bigEndian ? "big" : "little"}-endian reads back as written, comments and interfaces too`, () => {
      assert.deepEqual(readCapture(writePcapng(rich, { bigEndian })), rich);
    });
  }

  test("sections of different byte order follow each other; unknown blocks are skipped", () => {
    const unknown = Uint8Array.of(0x0b, 0, 0, 0, 16, 0, 0, 0, 1, 2, 3, 4, 16, 0, 0, 0);
    const file = Buffer.concat([
      writePcapng(rich.slice(0, 1)),
      unknown,
      writePcapng(rich.slice(1), { bigEndian: true }),
    ]);
    assert.deepEqual(readCapture(file), rich);
  });

  test("microseconds are the default, powers of two and offsets are honoured", () => {
    const section = writePcapng([]);
    const read = (options: number[]) => {
      const idb = block(1, [1, 0, 0, 0, 0, 0, 4, 0, ...options]);
      const epb = block(6, [0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0]);
      return readCapture(Buffer.concat([section, idb, epb]))[0]!.timestamp;
    };
    assert.equal(read([]), 1_024_000n);
    assert.equal(read([9, 0, 1, 0, 0x8a, 0, 0, 0]), 1_000_000_000n, "1024 units of 2^-10 s");
    assert.equal(read([14, 0, 8, 0, 5, 0, 0, 0, 0, 0, 0, 0]), 5_001_024_000n);
  });

  test("a simple packet block is of the first interface and has no time", () => {
    const idb = block(1, [1, 0, 0, 0, 2, 0, 0, 0]);
    const file = Buffer.concat([writePcapng([]), idb, block(3, [9, 0, 0, 0, 1, 2, 0, 0])]);
    const [packet] = readCapture(file);
    assert.deepEqual(packet, { timestamp: 0n, bytes: Uint8Array.of(1, 2), originalLength: 9, linkType: 1 });
  });

  test("a file made piece by piece is the same, with losses told at its end", () => {
    const writer = new PcapngWriter();
    assert.equal(writer.drops(1n, 0n).length, 0, "no interface to tell it of");
    const directions = ["in", "out", "in"] as const;
    const both = rich.map((packet, index) => ({ ...packet, direction: directions[index]! }));
    const pieces = [writer.header(), ...both.map((packet) => writer.packet(packet))];
    assert.deepEqual(Buffer.concat(pieces), Buffer.from(writePcapng(both)));
    const end = writer.drops(300n, 0x1_0000_0002n);
    assert.deepEqual([...end.subarray(0, 20)], [5, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]);
    assert.deepEqual([...end.subarray(20, 32)], [5, 0, 8, 0, 44, 1, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(readCapture(Buffer.concat([...pieces, end])), both);
  });

  test("tcpdump reads what was written", { skip: missing("tcpdump") }, () => {
    for (const bytes of [
      writePcapng(rich.slice(0, 1)),
      writePcapng(rich.slice(0, 1), { bigEndian: true }),
      writePcap(packets),
    ]) {
      assert.match(tcpdump(bytes), /^1700000000\.123456789 IP 10\.0\.0\.1\.1234 > 10\.0\.0\.2\.80: Flags \[S\]/);
    }
  });
});

describe("a broken capture", () => {
  test("is refused with E_FORMAT at every cut, never a crash", () => {
    for (const whole of [writePcap(packets), writePcapng(packets)]) {
      for (let length = 0; length < whole.length; length++) reads(whole.subarray(0, length));
      for (let at = 0; at < whole.length; at++) {
        const flipped = whole.slice();
        flipped[at]! ^= 0xff;
        reads(flipped);
      }
    }
    assert.throws(() => readCapture(new Uint8Array(0)), { code: "E_FORMAT", message: /neither as pcap nor as pcapng/ });
    const cut = writePcap(packets).subarray(0, 100);
    assert.throws(() => readCapture(cut), { message: /the record at byte 94 is cut off/ });
  });
});

function reads(bytes: Uint8Array): void {
  try {
    readCapture(bytes);
  } catch (error) {
    assert.ok(error instanceof IovisorError && error.code === "E_FORMAT", String(error));
  }
}

function block(type: number, body: readonly number[]): Uint8Array {
  const length = body.length + 12;
  return Uint8Array.from([type, 0, 0, 0, length, 0, 0, 0, ...body, length, 0, 0, 0]);
}

function tcpdump(bytes: Uint8Array): string {
  const directory = mkdtempSync(join(tmpdir(), `iov${process.pid}-`));
  try {
    const file = join(directory, "capture");
    writeFileSync(file, bytes);
    const options = ["-nn", "-tt", "--nano", "-r", file];
    const { stdout, status, stderr } = spawnSync("tcpdump", options, { encoding: "utf8", timeout: 20_000 });
    assert.equal(status, 0, stderr);
    return stdout;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function missing(tool: string): string | false {
  return spawnSync(tool, ["--version"], { stdio: "ignore" }).status === 0 ? false : `${tool} is not installed`;
}
