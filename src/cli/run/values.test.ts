import assert from "node:assert/strict";
import { test } from "node:test";
import { integer, struct } from "../../compiler/hir/build.ts";
import type { Layout } from "../../compiler/hir/layout.ts";
import { formatValue } from "./values.ts";

const bytes = (length: number): Layout => ({ kind: "bytes", length });

test("shows a struct as names and values, those inside with dots", () => {
  const flow = struct("Flow", {
    source: integer(32, "big"),
    ports: struct("Ports", { from: integer(16), to: integer(16) }),
  });
  const value = { source: 0xc000_0201, ports: { from: 1000, to: 80 } };
  assert.equal(formatValue(flow, value), "source=192.0.2.1 ports.from=1000 ports.to=80");
});

test("takes 32 bits in network order for an address only by name, or alone", () => {
  assert.equal(formatValue(integer(32, "big"), 1), "0.0.0.1");
  assert.equal(formatValue(integer(32), 1), "1");
  assert.equal(formatValue(struct("Tcp", { sequence: integer(32, "big") }), { sequence: 1 }), "sequence=1");
});

test("tells text, MAC and IPv6 addresses among bytes", () => {
  const one = (name: string, value: Uint8Array) =>
    formatValue(struct("S", { [name]: bytes(value.length) }), { [name]: value }).slice(name.length + 1);
  assert.equal(one("command", Buffer.from("nginx\0\0\0\0\0\0\0\0\0\0\0")), "nginx");
  assert.equal(one("mac", Uint8Array.of(2, 0, 0, 0, 0, 0xff)), "02:00:00:00:00:ff");
  assert.equal(one("source", Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)), "2001:db8::1");
  assert.equal(one("source", new Uint8Array(16)), "::");
  assert.equal(one("source", Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)), "1:0:0:1::");
  assert.equal(one("digest", Uint8Array.of(1, 2, 3)), "010203");
});

test("cuts long arrays", () => {
  const layout: Layout = { kind: "array", element: integer(8), length: 20 };
  const text = formatValue(
    layout,
    Array.from({ length: 20 }, (_, index) => index),
  );
  assert.equal(text, "[0 1 2 3 4 5 6 7 ... 20 elements]");
});
