import type { Functions } from "../../api/functions.ts";
import type { Revisions } from "../../api/graph.ts";
import type { Instances } from "../../api/instances.ts";
import type { Devices, Pipelines } from "../../api/machine.ts";
import { IovisorError } from "../../errors.ts";
import { type Client, pathOf } from "../client/client.ts";
import { table } from "./output.ts";

/** What `iovisor get` shows: where it comes from, and its form for people. */
export interface ShownResource {
  readonly load: (client: Client) => Promise<unknown>;
  readonly render: (value: never) => string;
}

function shown<T>(path: string, render: (value: T) => string): ShownResource {
  return { load: (client) => client.get<T>(`/v1/${path}`), render: render as (value: never) => string };
}

/** By the word that follows `get`. */
export const shownResources = {
  instances: shown<Instances>("instances", ({ instances }) =>
    table(
      ["name", "kind", ">ports", ">packets", ">drops", "state"],
      instances.map((one) => [one.name, one.kind, one.ports, one.packets, one.drops, one.state]),
      "the graph has no functions",
    ),
  ),
  devices: shown<Devices>("devices", ({ devices }) =>
    table(
      ["name", "netns", ">index", "kind", "mac", ">mtu", "state", "alias", "attached"],
      devices.map((one) => [
        ...[one.name, one.netns, one.ifindex, one.kind, one.mac, one.mtu],
        ...[one.up ? (one.carrier ? "up" : "no carrier") : "down", one.alias, one.attached.join(", ") || undefined],
      ]),
    ),
  ),
  revisions: shown<Revisions>("revisions", ({ live, revisions }) =>
    table(
      [">revision", "", "time", "state", "author", "comment"],
      revisions.map((one) => [
        ...[one.number, one.number === live ? "live" : "", one.time, one.state, one.author],
        one.reason === undefined ? one.comment : `${one.comment} (${one.reason.split("\n")[0]})`.trim(),
      ]),
      "nothing was applied yet",
    ),
  ),
  functions: shown<Functions>("functions", ({ functions }) =>
    table(
      ["kind", "title", ">instances", "description"],
      functions.map((one) => [one.kind, one.title, one.instances, one.description]),
    ),
  ),
  pipelines: shown<Pipelines>("pipelines", ({ pipelines }) =>
    table(
      ["pipeline", "functions", ">instructions", ">verified", "form", "goes on at"],
      pipelines.map(({ key, functions, program, cuts, fewPaths }) => [
        ...[key, functions.join(", "), program?.instructions, program?.verifiedInstructions],
        fewPaths ? "few paths" : "fast",
        cuts.map(({ link, why }) => `${link} (${why})`).join(", ") || undefined,
      ]),
      "nothing is attached",
    ),
  ),
} as const satisfies Readonly<Record<string, ShownResource>>;

/** @throws E_USAGE, E_NOT_FOUND */
export function singlePath(resource: string, name: string): string {
  switch (resource) {
    case "instance":
      return pathOf("instances", name);
    case "function":
      return `/v1/functions/${encodeURI(name)}`;
    case "revision":
      return pathOf("revisions", name);
    default:
      throw new IovisorError("E_USAGE", `"${resource}" is shown as a whole`, "leave the name out");
  }
}
