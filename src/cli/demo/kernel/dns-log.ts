import type * as DnsLog from "../../../../examples/dns-log.ts";
import { buildPacket } from "../../../capture/packet.ts";
import { RunningFunction } from "../../../engine/running.ts";
import { compileExample } from "../examples.ts";
import { demand, type Stage } from "../stage.ts";
import { takeEvents } from "./events.ts";
import { serverDevice, twoHosts } from "./network.ts";

const names = ["iovisor.example", "kernel.example", "a.long.name.of.many.labels.example"];

/** Events out of the kernel, typed by their declaration. */
export const dnsLogStage: Stage = {
  title: "events at TCX",
  expected: `${names.length} DNS queries logged with their names`,
  async show(say) {
    const module = await compileExample("dns-log", say);
    using network = twoHosts();
    using fn = new RunningFunction<typeof DnsLog>(module);
    fn.attach(`tcx-ingress:${serverDevice}`, { netns: network.host("server").namespace });
    using wire = network.host("client").packets("wire0");
    for (const name of names) wire.send(buildPacket(query(name)));
    const events = await takeEvents(fn.events, names.length);
    const seen = events.map((event) => Buffer.from(event.name.subarray(0, event.length)).toString("latin1"));
    for (const name of seen) say(`query for ${name}`);
    demand(names.every((name) => seen.includes(name)) && seen.length === names.length, `logged: ${seen.join(", ")}`);
    return `${seen.length} queries logged`;
  },
};

function query(name: string): string {
  return `eth / ip 10.66.0.1 > 10.66.0.2 / udp 40000 > 53 / dns ${name}`;
}
