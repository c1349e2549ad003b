import { canonicalJson } from "./canonical.ts";
import type { Change, ValueChange } from "./changes.ts";
import { printLink } from "./links.ts";
import { type Path, placeOf } from "./problems.ts";
import type { Device, JsonValue } from "./types.ts";

/**
 * Changes for people: one line each, `+` for what comes, `-` for what goes, `~` for what changes, in the order of the
 * changes. Empty for none.
 */
export function renderChanges(changes: readonly Change[]): string {
  return changes.map((change) => `${render(change)}\n`).join("");
}

function render(change: Change): string {
  switch (change.kind) {
    case "instanceAdded":
    case "instanceRemoved": {
      const { kind, ports, config } = change.instance;
      const details = [portList(Object.keys(ports)), Object.keys(config).length > 0 ? `config ${json(config)}` : ""];
      const text = [`function ${change.name}: ${kind}`, ...details].filter((part) => part !== "").join(", ");
      return `${change.kind === "instanceAdded" ? "+" : "-"} ${text}`;
    }
    case "configChanged":
      return renderValue(`${change.name}: config`, change.change);
    case "portAdded":
      return `+ port ${change.name}.${change.port}${settings(change.settings)}`;
    case "portRemoved":
      return `- port ${change.name}.${change.port}${settings(change.settings)}`;
    case "portChanged":
      return renderValue(`port ${change.name}.${change.port}:`, change.change);
    case "portsReordered":
      return `~ ${change.name}: order of ports ${change.old.join(", ")} -> ${change.new.join(", ")}`;
    case "deviceAdded":
      return `+ device ${change.name}: ${device(change.device)}`;
    case "deviceRemoved":
      return `- device ${change.name}: ${device(change.device)}`;
    case "deviceChanged":
      return `~ device ${change.name}: ${device(change.old)} -> ${device(change.new)}`;
    case "linkAdded":
      return `+ link ${printLink(change.link)}`;
    case "linkRemoved":
      return `- link ${printLink(change.link)}`;
  }
}

function portList(names: readonly string[]): string {
  return names.length === 0 ? "" : `ports ${names.join(", ")}`;
}

function settings(value: JsonValue): string {
  const text = json(value);
  return text === "{}" ? "" : ` ${text}`;
}

function device({ name, netns, hook }: Device): string {
  return `${name}${netns === undefined ? "" : ` in ${netns}`}${hook === "auto" ? "" : ` at ${hook}`}`;
}

/** A change below `what`; each item of a list that came or went has a line of its own. */
function renderValue(what: string, change: ValueChange): string {
  const place = placed(what, change.path);
  if (change.kind === "set") {
    if (change.old === undefined) return `+ ${place} = ${json(change.new)}`;
    if (change.new === undefined) return `- ${place} = ${json(change.old)}`;
    return `~ ${place} = ${json(change.old)} -> ${json(change.new)}`;
  }
  const item = (sign: string) => (value: JsonValue, offset: number) =>
    `${sign} ${placed(what, [...change.path, change.index + offset])} = ${json(value)}`;
  return [...change.removed.map(item("-")), ...change.inserted.map(item("+"))].join("\n");
}

function placed(what: string, path: Path): string {
  const place = placeOf(path);
  if (what.endsWith(":")) return `${what} ${place}`;
  return place.startsWith("[") || place === "" ? `${what}${place}` : `${what}.${place}`;
}

function json(value: JsonValue | undefined): string {
  return canonicalJson(value ?? null);
}
