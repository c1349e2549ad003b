import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { capturedPacket, linkTypes } from "./capture.ts";
import { toHex } from "./octets.ts";
import { buildPacket, describePacket } from "./packet.ts";
import { writePcap } from "./pcap.ts";

const eth = "eth 02:00:00:00:00:01 > 02:00:00:00:00:02";
const ip = "ip 10.0.0.1 > 10.0.0.2";
const ip6 = "ip6 fd00::1 > fd00::2";

/** In the form that describing gives back. */
const canonical = [
  `${eth} / ${ip} / tcp 1234 > 80 syn`,
  `${eth} / ${ip} ttl 3 tos 0x10 id 7 df / tcp 1 > 2 psh ack 17 seq 5 window 100 / payload "GET /\\r\\n"`,
  `${eth} / ${ip} / tcp 1 > 2 syn mss 1460 sack-permitted timestamps 1 0 nop wscale 7`,
  `${eth} / ${ip} / tcp 1 > 2 fin urg ece cwr ae urgent 4`,
  `${eth} / ${ip} options 94040000 / udp 5 > 6 / payload 100`,
  `${eth} / ${ip} / udp 5 > 6 checksum 0x0000 / payload hex 00ff`,
  `${eth} / ${ip} checksum 0x1234 / udp 5 > 6 length 9 checksum 0x4321`,
  `${eth} / ${ip} id 9 mf frag 1480 proto 17 / payload 16`,
  `${eth} / ${ip} / icmp echo-request id 1 seq 2 / payload 56`,
  `${eth} / ${ip} / icmp unreachable port / ip 1.2.3.4 > 5.6.7.8 / udp 5 > 6 / payload 4`,
  `${eth} / ${ip} / icmp unreachable frag-needed mtu 1400 / ${ip} / udp 5 > 6`,
  `${eth} / ${ip} / icmp type 13 code 1 rest 0x00000007`,
  `${eth} / ${ip6} / tcp 1234 > 80 rst`,
  `${eth} / ${ip6} hop 1 class 0x20 flow 0x12345 / udp 1 > 2 / payload 3`,
  `${eth} / ${ip6} / hop-by-hop / dest-opts options 1e0001020000 / fragment more id 0x00000007 / tcp 1 > 2 syn`,
  `${eth} / ${ip6} / routing type 0 left 1 data 00000000fd000000000000000000000000000003 / tcp 1 > 2 syn`,
  `${eth} / ${ip6} / fragment offset 1232 id 0x00000007 next 17 / payload 16`,
  `${eth} / ${ip6} / icmp6 echo-reply id 1 seq 2 / payload 8`,
  `${eth} / ${ip6} hop 255 / icmp6 neighbor-solicitation fd00::2 mac 02:00:00:00:00:01`,
  `${eth} / ${ip6} hop 255 / icmp6 neighbor-advertisement fd00::2 solicited override mac 02:00:00:00:00:01`,
  `${eth} / ${ip6} / icmp6 too-big mtu 1280 / ${ip6} / udp 5 > 6 / payload 4`,
  `${eth} / vlan 10 priority 3 drop-eligible / ${ip} / udp 1 > 2`,
  `${eth} / svlan 5 / vlan 6 / ${ip6} / udp 1 > 53 / dns example.org type AAAA id 7`,
  `${eth} / ${ip} / udp 5 > 4789 / vxlan 77 / ${eth} / ${ip} / tcp 1 > 2 syn`,
  `${eth} / arp who-has 10.0.0.2 tell 10.0.0.1 / pad 60`,
  `${eth} / arp 10.0.0.2 to 10.0.0.1`,
  `${eth} / arp 10.0.0.2 is-at 02:00:00:00:00:09 to 10.0.0.1 target-mac 02:00:00:00:00:08`,
  `${eth} / ${ip} / udp 1 > 2 / trailer hex 0102`,
  `${eth} type 0x1234 / payload 30`,
  `${ip} / ${ip6} / udp 1 > 2`,
];

const linkOf = (text: string) => (text.startsWith("eth") ? "ethernet" : "ip");

describe("a packet description", () => {
  test("builds and reads back in the same words", () => {
    for (const text of canonical)
      assert.equal(describePacket(buildPacket(text), { full: true, link: linkOf(text) }), text);
  });

  test("builds the bytes that the RFCs ask for", () => {
    const bytes = buildPacket(`${eth} / ip 192.168.0.1 > 192.168.0.199 id 0 df / udp 1 > 2 / payload hex aabb`);
    assert.equal(
      toHex(bytes),
      "0200000000020200000000010800" + "4500001e000040004011b8b6c0a80001c0a800c7" + "00010002000a" + "d302" + "aabb",
    );
  });

  test("may leave out addresses, and take other names and orders", () => {
    const short = buildPacket("ethernet / ipv4 df dscp 4 ecn 1 ttl 9 / tcp 1 > 2 ack syn");
    assert.deepEqual(short, buildPacket(`${eth} / ${ip} ttl 9 tos 0x11 df / tcp 1>2 syn ack`));
  });

  test("that is wrong gives one error with the column", () => {
    const wrong: [string, number, RegExp][] = [
      ["eth / ip 10.0.0.1 > 10.0.0.300", 21, /expected an IPv4 address such as 10\.0\.0\.1, found "10\.0\.0\.300"/],
      ["eth / ipx", 7, /expected a layer: one of eth, vlan/],
      ["eth / ip / tcp 1 > 70000 syn", 20, /expected a destination port, 0\.\.65535/],
      ['eth / payload "abc', 15, /no closing "/],
      ["eth / ip ttl 3 foo", 16, /expected one of ttl, tos,.* or "\/" and the next layer, found "foo"/],
      ["eth / ip frag 7", 15, /a multiple of 8/],
      ["eth / pad 60 / ip", 16, /"pad" must be the last layer/],
      ["eth /", 6, /found the layer's end/],
      ["eth / ip / tcp 1 > 2 options 0102030405060708 options " + "00".repeat(40), 135, /at most 40 bytes/],
      ["", 1, /expected a layer/],
      ["eth / ip constructor", 10, /found "constructor"/],
    ];
    for (const [text, column, message] of wrong) {
      assert.throws(
        () => buildPacket(text),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "E_USAGE");
          assert.match(error.message, new RegExp(`^packet description, column ${column}: `), text);
          return message.test(error.message);
        },
        text,
      );
    }
  });

  test("of a packet too long for its header is refused", () => {
    assert.throws(() => buildPacket("ip / udp 1 > 2 / payload 70000"), { code: "E_USAGE", message: /at most 65535/ });
  });
});

describe("describing a packet", () => {
  test("cuts long payloads unless asked for all", () => {
    const bytes = buildPacket(`${eth} / ${ip} / udp 1 > 2 / payload hex ${"ab".repeat(100)}`);
    assert.match(describePacket(bytes), /payload hex (?:ab){24}\.\.\. \(100 bytes\)$/);
  });

  test("leaves cut and unknown headers as payload", () => {
    assert.equal(describePacket(Uint8Array.of(1, 2, 3)), "payload hex 010203");
    const cut = buildPacket(`${eth} / ${ip} / tcp 1 > 2`).subarray(0, 44);
    assert.match(describePacket(cut), /proto 6 length 40 .*payload hex 00010002/);
  });

  test("of any bytes builds the same bytes again", () => {
    const packets = canonical.filter((text) => text.startsWith("eth")).map(buildPacket);
    const change = fc.record({
      packet: fc.constantFrom(...packets),
      at: fc.nat(80),
      byte: fc.nat(255),
      cut: fc.nat(20),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = changes[0]!.packet.slice(
          0,
          changes[0]!.packet.length - (changes[0]!.cut > 10 ? changes[0]!.cut : 0),
        );
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        const text = describePacket(bytes, { full: true });
        assert.equal(toHex(buildPacket(text)), toHex(bytes), text);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("packets as tcpdump reads them", { skip: missingTcpdump() }, () => {
  const good = [
    ...canonical.filter(
      (text) => text.startsWith("eth") && !/checksum|fragment|unreachable|too-big|length|vxlan/.test(text),
    ),
  ];

  test("every checksum is correct", () => {
    const lines = tcpdump(good.map(buildPacket));
    for (const [index, text] of good.entries()) {
      const line = lines[index]!;
      assert.doesNotMatch(line, /incorrect|bad|wrong|truncated|invalid/, `${text}\n${line}`);
      if (/\/ tcp/.test(text)) assert.match(line, /cksum 0x[0-9a-f]{4} \(correct\)/, `${text}\n${line}`);
      if (/\/ udp(?!.*(?:tcp|dns))/.test(text)) assert.match(line, /udp sum ok/, `${text}\n${line}`);
      if (/icmp6/.test(text)) assert.match(line, /icmp6 sum ok/, `${text}\n${line}`);
    }
  });

  test("a frame in a tunnel is as correct as the one around it", () => {
    const text = tcpdump([buildPacket(`${eth} / ${ip} / udp 5 > 4789 / vxlan 77 / ${eth} / ${ip} / tcp 1 > 2 syn`)]);
    assert.match(text.join(" "), /udp sum ok\] VXLAN.*vni 77.*Flags \[S\], cksum 0x[0-9a-f]{4} \(correct\)/s);
  });

  test("a wrong checksum is seen as wrong, so the test above can fail", () => {
    const [tcp, udp] = tcpdump([
      buildPacket(`${eth} / ${ip} / tcp 1 > 2 checksum 1`),
      buildPacket(`${eth} / ${ip} checksum 1 / udp 1 > 2 checksum 1`),
    ]);
    assert.match(tcp!, /cksum 0x0001 \(incorrect/);
    assert.match(udp!, /bad cksum 1 .*bad udp cksum/s);
  });

  test("fields arrive where they belong", () => {
    const [tcp, vlan, arp, query, options] = tcpdump([
      buildPacket(`${eth} / ip 1.2.3.4 > 5.6.7.8 ttl 9 tos 0x20 id 77 df / tcp 10 > 20 syn ack 5 seq 6 window 7`),
      buildPacket(`${eth} / svlan 5 / vlan 6 priority 2 / ${ip} / udp 1 > 2`),
      buildPacket(`${eth} / arp who-has 10.0.0.2 tell 10.0.0.1`),
      buildPacket(`${eth} / ${ip6} / udp 1 > 53 / dns example.org type AAAA id 7`),
      buildPacket(`${eth} / ${ip} / tcp 1 > 2 syn mss 1460 sack-permitted timestamps 1 0 nop wscale 7`),
    ]);
    assert.match(
      tcp!,
      /tos 0x20, ttl 9, id 77, offset 0, flags \[DF\].*1\.2\.3\.4\.10 > 5\.6\.7\.8\.20: Flags \[S\.\].*seq 6, ack 5, win 7/s,
    );
    assert.match(vlan!, /802\.1Q-QinQ.*vlan 5.*vlan 6, p 2/);
    assert.match(arp!, /who-has 10\.0\.0\.2 tell 10\.0\.0\.1/);
    assert.match(query!, /7\+ AAAA\? example\.org\./);
    assert.match(options!, /options \[mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7\]/);
  });
});

/** One text per packet, without the time. */
function tcpdump(packets: readonly Uint8Array[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), `iov${process.pid}-`));
  try {
    const file = join(directory, "packets.pcap");
    writeFileSync(file, writePcap(packets.map((bytes) => capturedPacket(bytes, { linkType: linkTypes.ethernet }))));
    const options = ["-nn", "-e", "-vv", "-t", "-r", file];
    const { stdout, status, stderr } = spawnSync("tcpdump", options, { encoding: "utf8", timeout: 20_000 });
    assert.equal(status, 0, stderr);
    return stdout.trimEnd().split(/\n(?=\S)/);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function missingTcpdump(): string | false {
  return spawnSync("tcpdump", ["--version"], { stdio: "ignore" }).status === 0 ? false : "tcpdump is not installed";
}
