import { isImmutable } from "../../compiler/hir/immutable.ts";
import { showValue } from "../show-value.ts";
import { Unread } from "./follow-ups.ts";
import { linkForm, parseLink } from "./links.ts";
import { type Finding, listed, type Path } from "./problems.ts";
import {
  type Device,
  type DeviceHook,
  deviceHooks,
  type Graph,
  type Instance,
  type JsonObject,
  type JsonValue,
  type Link,
  namePattern,
  nameRule,
} from "./types.ts";

/** A graph as far as its document could be read, and what could not. */
export interface ReadGraph {
  readonly graph: Graph;
  /** Where each link of the graph stands in the document's list: those that could not be read are left out of it. */
  readonly linkIndices: readonly number[];
  readonly findings: readonly Finding[];
  /** What of the document the findings are about. */
  readonly unread: Unread;
}

/** Deeper configuration is a mistake, or a cycle in an object that a TypeScript file made. */
const maximumDepth = 64;

/** The shape of a document: keys, types, names, the syntax of links. */
export function readDocument(document: unknown): ReadGraph {
  const reader = new Reader();
  const top = reader.record(document, [], ["functions", "devices", "links"]);
  const functions = reader.named(top["functions"], ["functions"], (value, path) => reader.instance(value, path));
  const devices = reader.named(top["devices"], ["devices"], (value, path) => reader.device(value, path));
  const links = reader.links(top["links"]);
  return {
    graph: { functions, devices, links: links.map(({ link }) => link) },
    linkIndices: links.map(({ index }) => index),
    findings: reader.findings,
    unread: new Unread(reader.findings),
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

class Reader {
  readonly findings: Finding[] = [];

  #add(path: Path, message: string, remedy: string, at?: "key"): undefined {
    this.findings.push({ path, message, remedy, ...(at ? { at } : {}) });
    return undefined;
  }

  /** The members of an object; an unknown key is a finding. Without `keys` all are known. */
  record(value: unknown, path: Path, keys?: readonly string[]): Readonly<Record<string, unknown>> {
    if (!isRecord(value)) {
      this.#add(path, `expected an object, got ${showValue(value)}`, "docs/graph.md shows the form");
      return {};
    }
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    for (const [key] of members) {
      if (keys && !keys.includes(key))
        this.#add([...path, key], `no such key; there is ${listed(keys)}`, "remove it, or mend its spelling", "key");
    }
    return Object.fromEntries(members);
  }

  #optionalRecord(value: unknown, path: Path): Readonly<Record<string, unknown>> {
    return value === undefined ? {} : this.record(value, path);
  }

  /** An object whose keys are names. What an entry lacks is a finding; then it stays out. */
  named<T>(
    value: unknown,
    path: Path,
    read: (value: unknown, path: Path) => T | undefined,
  ): Readonly<Record<string, T>> {
    const entries: [string, T][] = [];
    for (const [name, member] of Object.entries(this.#optionalRecord(value, path))) {
      const at = [...path, name];
      if (!namePattern.test(name)) this.#add(at, `'${name}' is no name: ${nameRule}`, "give it another name", "key");
      const known = read(member, at);
      if (known !== undefined) entries.push([name, known]);
    }
    return Object.fromEntries(entries);
  }

  instance(value: unknown, path: Path): Instance | undefined {
    const members = this.record(value, path, ["kind", "config", "ports"]);
    const config = this.#configuration(members["config"], [...path, "config"]);
    const ports = this.named(members["ports"], [...path, "ports"], (port, at) => this.#configuration(port, at));
    if (!isRecord(value)) return undefined;
    return { kind: this.#text(members["kind"], [...path, "kind"], "switch") ?? "", config, ports };
  }

  /** A text that must be there. */
  #text(value: unknown, path: Path, example: string): string | undefined {
    if (value === undefined)
      return this.#add(path, "is missing", `add ${path.at(-1)}, for example ${showValue(example)}`, "key");
    if (typeof value === "string" && value.trim() === value && value !== "") return value;
    return this.#add(
      path,
      `expected a text such as ${showValue(example)}, got ${showValue(value)}`,
      "write a text in quotes",
    );
  }

  /** Null stands for nothing, so that YAML can say `lan1:`. */
  #configuration(value: unknown, path: Path): JsonObject {
    if (value === undefined || value === null) return {};
    if (typeof value === "object" && isImmutable(value)) return value as JsonObject;
    const members = this.record(value, path);
    return this.#json(members, [...path], 0) as JsonObject;
  }

  /** @param path is lengthened and shortened on the way: lists may have a million items. */
  #json(value: unknown, path: (string | number)[], depth: number): JsonValue {
    if (depth > maximumDepth) {
      this.#add(
        [...path],
        `is nested deeper than ${maximumDepth} levels`,
        "make it flat; a graph cannot refer to itself",
      );
      return null;
    }
    if (value === null || typeof value === "string" || typeof value === "boolean") return value;
    if (typeof value === "number") return this.#number(value, [...path]);
    // Of a graph that was read before.
    if (typeof value === "object" && isImmutable(value)) return value as JsonValue;
    if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    const inner = (member: unknown, at: string | number): JsonValue => {
      path.push(at);
      const read = this.#json(member, path, depth + 1);
      path.pop();
      return read;
    };
    if (Array.isArray(value)) return value.map(inner);
    if (isRecord(value) && isPlain(value)) {
      const members = Object.entries(value).filter(([, member]) => member !== undefined);
      return Object.fromEntries(members.map(([key, member]) => [key, inner(member, key)]));
    }
    const kind = isRecord(value) ? `an object of class ${value.constructor?.name}` : `a value of type ${typeof value}`;
    this.#add(
      [...path],
      `expected what JSON can hold, got ${kind}`,
      "use objects, lists, texts, numbers, true and false",
    );
    return null;
  }

  #number(value: number, path: Path): JsonValue {
    if (!Number.isFinite(value)) this.#add(path, `${value} is no number that JSON can hold`, "give a finite number");
    else if (Number.isInteger(value) && !Number.isSafeInteger(value))
      this.#add(path, "a number of this size is not exact", 'write it as a text: "18446744073709551615"');
    else return Object.is(value, -0) ? 0 : value;
    return null;
  }

  device(value: unknown, path: Path): Device | undefined {
    const members = this.record(value, path, ["name", "netns", "hook"]);
    if (!isRecord(value)) return undefined;
    const name = this.#text(members["name"], [...path, "name"], "eth0");
    if (name !== undefined) this.#deviceName(name, [...path, "name"]);
    const netns = members["netns"] === undefined ? undefined : this.#text(members["netns"], [...path, "netns"], "blue");
    if (netns !== undefined && /\/|^\.{1,2}$/.test(netns))
      this.#add([...path, "netns"], `'${netns}' is no name of a namespace`, "give a name that `ip netns` lists");
    return { name: name ?? "", ...(netns === undefined ? {} : { netns }), hook: this.#hook(members["hook"], path) };
  }

  #deviceName(name: string, path: Path): void {
    const fault = deviceNameFault(name);
    if (fault) this.#add(path, `'${name}' is no name of a device: ${fault}`, "`ip -brief link` lists the devices");
  }

  #hook(value: unknown, path: Path): DeviceHook {
    if (value === undefined) return "auto";
    if (deviceHooks.includes(value as DeviceHook)) return value as DeviceHook;
    this.#add(
      [...path, "hook"],
      `expected one of ${listed(deviceHooks)}, got ${showValue(value)}`,
      "leave it out for auto",
    );
    return "auto";
  }

  links(value: unknown): readonly { readonly link: Link; readonly index: number }[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      this.#add(["links"], `expected a list, got ${showValue(value)}`, linkForm);
      return [];
    }
    return value.flatMap((item: unknown, index) => {
      const link = typeof item === "string" ? parseLink(item) : [`expected a text, got ${showValue(item)}`];
      if ("from" in link) return [{ link, index }];
      for (const fault of link) this.#add(["links", index], fault, linkForm);
      return [];
    });
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // A graph's file may come from another realm (node:vm): its objects have another Object.prototype.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** The kernel's rule (net/core/dev.c, dev_valid_name), and our `*` at the end. */
export function deviceNameFault(name: string): string | undefined {
  const pattern = name.endsWith("*");
  const text = pattern ? name.slice(0, -1) : name;
  if (text.includes("*")) return "a * may stand at the end only";
  if (/[\s/:]/.test(text) || text === "." || text === "..") return "the kernel takes no space, / or : in it";
  if (Buffer.byteLength(text) > 15) return "it is longer than the kernel's 15 bytes";
  return undefined;
}
