/** The commands over a daemon that runs as a process of its own. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Machine } from "../../test/graph-machine.ts";
import { skipWithoutNetwork } from "../../test/network/network.ts";
import { buildPacket } from "../capture/packet.ts";
import { PacketSocket } from "../kernel/packet-socket.ts";

const options = { skip: skipWithoutNetwork, timeout: 120_000 };
const frame = buildPacket("eth / ip 192.0.2.1 > 192.0.2.2 / udp 1 > 2 / payload 18");

/** Sends from "a" and gives the DSCP of what arrives at "b"; undefined when nothing does. */
async function passes({ net }: Machine): Promise<number | undefined> {
  using a = new PacketSocket("eth0", net.host("a").namespace);
  using b = new PacketSocket("eth0", net.host("b").namespace);
  a.send(frame);
  const received = await b.next(1000);
  return received && received.data[15]! >> 2;
}

test("a graph's file is planned, applied, edited and rolled back", options, async () => {
  await using machine = new Machine();
  await machine.start("--teardown");
  machine.writeGraph(5);
  assert.match(
    await machine.ok("plan", "-f", machine.graphFile),
    /^\+ function m: \/.*marker[\s\S]*^load pipeline tcx:m/m,
  );
  assert.match(
    await machine.ok("apply", "-f", machine.graphFile, "--comment", "first"),
    /revision 1 is live after \d+ ms/,
  );
  assert.equal(await passes(machine), 5);
  assert.match(await machine.ok("apply", "-f", machine.graphFile), /nothing to change: revision 1/);
  assert.match(await machine.ok("edit", "instance", "m", "mark=9"), /^~ m: config\.mark = 5 -> 9$/m);
  assert.equal(await passes(machine), 9);
  const wrong = await machine.run("edit", "instance", "m", "mark=99", "-o", "json");
  assert.equal(wrong.code, 1);
  const { error } = JSON.parse(wrong.err);
  assert.deepEqual([error.code, error.faults[0].place], ["E_GRAPH", "functions.m.config.mark"]);
  const late = await machine.run("apply", "-f", machine.graphFile, "--expected", "1");
  assert.match(late.err, /the graph is at revision 2, the change was made for revision 1[\s\S]*\[E_CONFLICT\]/);
  await machine.ok("rollback", "1");
  assert.equal(await passes(machine), 5);
  const { live, revisions } = JSON.parse(await machine.ok("get", "revisions", "-o", "json"));
  assert.equal(live, 3);
  assert.deepEqual(
    revisions.map(({ comment }: { comment: string }) => comment),
    ["rollback to revision 1", "", "first"],
  );
  assert.match(
    await machine.ok("get", "revisions"),
    /^ +3 {2}live .* root \(uid 0, pid \d+\) +rollback to revision 1$/m,
  );
});

test("instances are made, linked and removed by commands", options, async () => {
  await using machine = new Machine();
  await machine.start("--teardown");
  await machine.ok("create", "./marker", "one", "--port", "inside", "--set", "mark=1");
  await machine.ok("create", "./marker", "two", "--port", "inside=one.outside");
  await machine.ok("unlink", "one.outside");
  await machine.ok("link", "one.outside", "two.outside");
  const graph = JSON.parse(await machine.ok("get", "graph", "-o", "json"));
  assert.deepEqual(graph.links, ["one.outside -> two.outside"]);
  assert.match(await machine.ok("get", "instance", "one"), /^outside +1 +two\.outside /m);
  await machine.ok("delete", "instance", "two");
  assert.match(await machine.ok("get", "instances"), /^one .*\/marker +2 +0 +0 +ok$/m);
  assert.doesNotMatch(await machine.ok("get", "graph"), /two/);
  const gone = await machine.run("get", "instance", "two");
  assert.match(gone.err, /there is no instance "two"[\s\S]*\[E_NOT_FOUND\]/);
  assert.equal(gone.code, 1);
});

test("tables, rates, events, metrics and pipelines are shown", options, async () => {
  await using machine = new Machine();
  await machine.start("--teardown");
  machine.writeGraph(3);
  await machine.ok("apply", "-f", machine.graphFile);
  await machine.ok("table", "m", "known", "add", '{"number":1,"kind":2}=18446744073709551615');
  assert.match(await machine.ok("table", "m", "known", "list"), /^number +kind +value\n +1 +2 +18446744073709551615$/m);
  assert.match(await machine.ok("table", "m", "known", "delete", '{"number":1,"kind":2}'), /^1 deleted$/m);
  assert.equal(await machine.ok("table", "m", "known", "list", "-o", "json"), "");
  const top = machine.ok("top", "--interval", "1", "--for", "2.5", "-o", "json");
  for (let sent = 0; sent < 5; sent++) {
    await passes(machine);
    await sleep(200);
  }
  const samples = (await top)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.ok(samples.length >= 1);
  assert.ok(samples.some(({ ports }) => ports.some((one: { outPackets: number }) => one.outPackets > 0)));
  assert.match(await machine.ok("events"), /revision number=1[\s\S]*\+ function m/);
  assert.match(await machine.ok("metrics"), /^iovisor_revision 1$/m);
  assert.match(await machine.ok("describe", "pipeline", "tcx:m"), /^functions +m$[\s\S]*^ +0: r6 = r1$/m);
  assert.match(await machine.ok("describe", "function", machine.folder.marker), /^notIpv4 +it is no IPv4 packet$/m);
  assert.match(await machine.ok("get", "functions"), /^switch /m);
});

test("packets flow on without the daemon, and the next one takes over, also after kill -9", options, async () => {
  await using machine = new Machine();
  await machine.start();
  machine.writeGraph(5);
  await machine.ok("apply", "-f", machine.graphFile);
  const state = async (): Promise<unknown> =>
    JSON.parse(await machine.ok("table", "m", "seen", "list", "-o", "json")).value;
  assert.equal(await passes(machine), 5);
  assert.equal(await machine.stop("SIGTERM"), 0);
  assert.equal(existsSync(join(machine.folder.path, "socket")), false);
  assert.equal(await passes(machine), 5, "without a daemon");
  await machine.start();
  assert.equal(await state(), 2, "the packets' state was taken over");
  await machine.ok("edit", "instance", "m", "mark=6");
  assert.equal(await passes(machine), 6);
  await machine.stop("SIGKILL");
  assert.equal(await passes(machine), 6, "after kill -9");
  await machine.start("--teardown");
  assert.equal(await state(), 4);
  assert.equal(await machine.stop("SIGINT"), 0);
  assert.equal(await passes(machine), undefined, "after the teardown");
  assert.equal(existsSync(`/sys/fs/bpf/iovisor/${machine.name}`), false);
});
