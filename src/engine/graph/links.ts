import { type Link, type LinkEnd, namePattern, nameRule } from "./types.ts";

export const linkForm = 'write it as "dev:eth0 -> sw1.lan1": two of INSTANCE.PORT, dev:NAME and host:NAME';

/** Reads one end of a link. A string is what is wrong with it. */
export function parseEnd(text: string): LinkEnd | string {
  const device = /^(?<side>dev|host):(?<name>.*)$/.exec(text)?.groups;
  if (device) {
    const name = device["name"] ?? "";
    if (!namePattern.test(name)) return badName("device", name);
    return { kind: device["side"] as "dev" | "host", device: name };
  }
  const [instance = "", port, ...more] = text.split(".");
  if (port === undefined || more.length > 0) return `'${text}' is no end of a link`;
  if (!namePattern.test(instance)) return badName("instance", instance);
  if (!namePattern.test(port)) return badName("port", port);
  return { kind: "port", instance, port };
}

function badName(what: string, name: string): string {
  return name === "" ? `the name of the ${what} is missing` : `'${name}' is no name of ${what}: ${nameRule}`;
}

/** Reads `END -> END`. Strings are what is wrong with it, one per fault. */
export function parseLink(text: string): Link | readonly string[] {
  const parts = text.split("->").map((part) => part.trim());
  if (parts.length !== 2) return [`'${text}' is no link: it has ${parts.length - 1} arrows`];
  const sides = ["left", "right"] as const;
  const ends = parts.map((part, index) =>
    part === "" ? `nothing stands on the ${sides[index]} of the arrow` : parseEnd(part),
  );
  const problems = ends.filter((end) => typeof end === "string");
  if (problems.length > 0) return problems;
  return { from: ends[0] as LinkEnd, to: ends[1] as LinkEnd };
}

export function printEnd(end: LinkEnd): string {
  return end.kind === "port" ? `${end.instance}.${end.port}` : `${end.kind}:${end.device}`;
}

export function printLink({ from, to }: Link): string {
  return `${printEnd(from)} -> ${printEnd(to)}`;
}

/**
 * The same link with its ends in one order, whichever way its arrow was drawn: devices first, so that it reads from the
 * wire inwards.
 */
export function normaliseLink(link: Link): Link {
  return compareEnds(link.from, link.to) <= 0 ? link : { from: link.to, to: link.from };
}

const rank: Readonly<Record<LinkEnd["kind"], number>> = { dev: 0, host: 1, port: 2 };

function compareEnds(a: LinkEnd, b: LinkEnd): number {
  return rank[a.kind] - rank[b.kind] || compareText(printEnd(a), printEnd(b));
}

/** By code unit: the same order on every machine, which a locale's is not. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What identifies a link: its text in normal form. */
export function linkKey(link: Link): string {
  return printLink(normaliseLink(link));
}
