/** The models of functions behind one another, with the metadata that goes from one to the next. */
import type { Module } from "../../src/compiler/hir/tree.ts";
import type { InstanceView } from "../../src/engine/host/host-side.ts";
import type { Node } from "../../src/engine/pipeline/topology.ts";
import { AclModel } from "../../src/functions/acl/model.ts";
import { RouterModel } from "../../src/functions/router/model.ts";
import { SwitchModel } from "../../src/functions/switch/model.ts";
import { type Marks, markerModel, noMarks } from "./marker/model.ts";
import { modelConfiguration } from "./router.ts";

export type FunctionKind = "switch" | "router" | "acl" | "marker";

/** An instance of a chain. */
export interface Link {
  readonly kind: FunctionKind;
  readonly module: Module;
  readonly view: InstanceView;
  readonly node: Node;
  readonly model: (frame: Uint8Array, port: number, ticks: bigint, marks: Marks) => Decided;
}

export type Decided = { readonly marks: Marks } & (
  | { readonly kind: "drop"; readonly reason: string }
  | { readonly kind: "punt"; readonly reason: string }
  | { readonly kind: "forward"; readonly port: number; readonly frame: Uint8Array }
  | { readonly kind: "flood"; readonly copies: ReadonlyMap<number, Uint8Array> }
);

/** Where a packet ended, in which function. */
export interface Expected {
  readonly link: Link;
  /** The port that it came in on there. */
  readonly port: number;
  readonly decided: Decided;
  /** What each marker that it met read, by instance. */
  readonly read: ReadonlyMap<string, Marks>;
  /** Functions that it met. */
  readonly met: number;
}

export const ticksPerSecond = 250;
const mostFunctions = 33;

export function modelOf(kind: FunctionKind, view: InstanceView): Link["model"] {
  switch (kind) {
    case "switch": {
      const model = new SwitchModel(view, ticksPerSecond);
      return (frame, port, ticks, marks) => {
        const outcome = model.receive(port, frame, ticks);
        if (outcome.kind === "dropped") return { kind: "drop", reason: outcome.reason, marks };
        const [[to, sent] = [0, frame]] = outcome.copies;
        return outcome.flooded
          ? { kind: "flood", copies: outcome.copies, marks }
          : { kind: "forward", port: to, frame: sent, marks };
      };
    }
    case "router": {
      const model = new RouterModel(modelConfiguration(view));
      return (frame, number, ticks, marks) => {
        const port = model.configuration.ports.find((one) => one.number === number)!;
        return { ...model.handle({ port, frame, ticks }), marks };
      };
    }
    case "acl": {
      const model = new AclModel(view.config);
      return (bytes, port, _, marks) => {
        const { outcome } = model.decide({ port, bytes });
        return outcome === "forward"
          ? { kind: "forward", port: 1 - port, frame: bytes, marks }
          : { kind: "drop", reason: outcome, marks };
      };
    }
    case "marker":
      return (frame, port, _, before) => {
        const { outcome, marks } = markerModel(frame, Number(view.config["number"]), before);
        return outcome === "forward"
          ? { kind: "forward", port: 1 - port, frame, marks }
          : { kind: "drop", reason: outcome, marks };
      };
  }
}

/** From where a packet enters to its end: a device, a drop, a punt, or a flood. */
export function follow(links: ReadonlyMap<string, Link>, instance: string, arrival: FollowedArrival): Expected {
  let [link, port, frame, marks]: [Link, number, Uint8Array, Marks] = [
    links.get(instance)!,
    arrival.port,
    arrival.frame,
    noMarks,
  ];
  const read = new Map<string, Marks>();
  for (let met = 1; ; met++) {
    if (link.kind === "marker" && frame.length >= 14) read.set(link.view.name, marks);
    const decided = link.model(frame, port, arrival.ticks, marks);
    if (decided.kind !== "forward") return { link, port, decided, read, met };
    const peer = link.node.peers[decided.port];
    if (peer?.kind !== "port" || met === mostFunctions) return { link, port, decided, read, met };
    [link, port, frame, marks] = [links.get(peer.instance)!, peer.port, decided.frame, decided.marks];
  }
}

interface FollowedArrival {
  readonly port: number;
  /** On the wire. */
  readonly frame: Uint8Array;
  readonly ticks: bigint;
}
