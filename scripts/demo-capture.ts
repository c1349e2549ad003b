/**
 * Makes `examples/demo.pcapng`, the capture that the demo replays in the virtual machine. Each packet's comment says
 * which verdicts the examples give it: "closed-port drop, vlan-counter pass".
 *
 *     node scripts/demo-capture.ts
 */
import { writeFileSync } from "node:fs";
import { capturedPacket } from "../src/capture/capture.ts";
import { buildPacket } from "../src/capture/packet.ts";
import { writePcapng } from "../src/capture/pcapng-writer.ts";

const packets: readonly (readonly [comment: string, packet: string])[] = [
  ["closed-port pass, dns-log pass", "eth / arp who-has 192.0.2.2 tell 192.0.2.1"],
  ["closed-port pass, dns-log pass", "eth / ip 192.0.2.1 > 192.0.2.2 / tcp 40001 > 80 syn"],
  ["closed-port drop, dns-log pass", "eth / ip 192.0.2.1 > 192.0.2.2 / tcp 40002 > 9999 syn"],
  ["closed-port drop, dns-log pass", "eth / ip 192.0.2.3 > 192.0.2.2 / tcp 40003 > 9999 syn"],
  ["closed-port drop, dns-log pass", "eth / ip 192.0.2.3 > 192.0.2.2 options 94040000 / tcp 40004 > 9999 syn"],
  ["closed-port pass, dns-log pass", "eth / ip 192.0.2.1 > 192.0.2.2 / udp 40005 > 9999"],
  ["closed-port pass, dns-log pass", "eth / ip 192.0.2.1 > 192.0.2.53 / udp 40006 > 53 / dns iovisor.example"],
  ["closed-port pass, dns-log pass", "eth / ip6 2001:db8::1 > 2001:db8::53 / udp 40007 > 53 / dns kernel.example"],
  ["closed-port pass, dns-log pass", "eth / ip6 2001:db8::1 > 2001:db8::2 / tcp 40008 > 9999 syn"],
  ["closed-port pass, dns-log pass", "eth / vlan 42 / ip 192.0.2.1 > 192.0.2.2 / tcp 40009 > 9999 syn"],
  ["closed-port pass, dns-log pass", 'eth / ip 192.0.2.1 > 192.0.2.2 / udp 40010 > 7 / payload "hello"'],
];

const captured = packets.map(([comment, text], index) =>
  capturedPacket(buildPacket(text), { timestamp: BigInt(index) * 1_000_000n, comment }),
);
writeFileSync(new URL("../examples/demo.pcapng", import.meta.url), writePcapng(captured));
