import type { ConfigProblem, InstancePort, InstanceView, JsonObject } from "../../engine/host/host-side.ts";
import { formatMac, parseMac } from "../../engine/host/table-view.ts";
import { allowedVlans, isTrunk, mostPorts, objects, untaggedVlan, usualVlan } from "./configuration.ts";
import { BadVlans, hasVlan } from "./vlans.ts";

/** What the schemas cannot say about a switch's configuration. */
export function checkSwitch(instance: InstanceView): readonly ConfigProblem[] {
  return [...tooManyPorts(instance), ...instance.ports.flatMap(checkPort), ...checkStatics(instance)];
}

function tooManyPorts({ ports }: InstanceView): readonly ConfigProblem[] {
  if (ports.length <= mostPorts) return [];
  const message = `${ports.length} ports are more than the ${mostPorts} that a switch has`;
  return [{ path: "ports", message, remedy: "join two switches by a trunk" }];
}

function checkPort({ name, config }: InstancePort): readonly ConfigProblem[] {
  const problem = (field: string, message: string, remedy: string): ConfigProblem => ({
    path: `ports.${name}.${field}`,
    message,
    remedy,
  });
  if (!isTrunk(config)) {
    return ["native", "allowed"]
      .filter((field) => field in config)
      .map((field) =>
        problem(field, `an access port has no "${field}"`, 'give it "mode": "trunk", or its "vlan" alone'),
      );
  }
  const problems: ConfigProblem[] = [];
  if ("vlan" in config)
    problems.push(problem("vlan", 'a trunk has no "vlan"', 'name the VLAN of untagged frames as "native"'));
  try {
    const allowed = allowedVlans(config);
    const native = untaggedVlan(config);
    if (native !== 0 && !hasVlan(allowed, native))
      problems.push(
        problem(
          "native",
          `VLAN ${native} is not among the allowed ones`,
          `add ${native} to "allowed", or leave it out`,
        ),
      );
  } catch (error) {
    if (!(error instanceof BadVlans)) throw error;
    problems.push(problem("allowed", error.message, 'write numbers and ranges, "10,20-30", or "all"'));
  }
  return problems;
}

function checkStatics(instance: InstanceView): readonly ConfigProblem[] {
  const seen = new Map<string, number>();
  return objects(instance.config["static"]).flatMap((entry, index): readonly ConfigProblem[] => {
    const path = `config.static[${index}]`;
    const problem = stationProblem(entry) ?? portProblem(entry, instance);
    if (problem) return [{ ...problem, path: `${path}.${problem.path}` }];
    const key = `${formatMac(parseMac(String(entry["mac"]))!)} in VLAN ${vlanOf(entry)}`;
    const before = seen.get(key);
    seen.set(key, index);
    if (before === undefined) return [];
    return [{ path, message: `${key} is there already, as static[${before}]`, remedy: "keep one of them" }];
  });
}

function vlanOf(entry: JsonObject): number {
  return typeof entry["vlan"] === "number" ? entry["vlan"] : usualVlan;
}

function stationProblem(entry: JsonObject): ConfigProblem | undefined {
  const mac = parseMac(String(entry["mac"]));
  const remedy = "write the address of one station, such as 02:00:00:00:00:01";
  if (!mac) return { path: "mac", message: `"${String(entry["mac"])}" is no MAC address`, remedy };
  if ((mac[0]! & 1) === 1) return { path: "mac", message: `${formatMac(mac)} is the address of a group`, remedy };
  return mac.some((byte) => byte !== 0)
    ? undefined
    : { path: "mac", message: "no station has the address zero", remedy };
}

function portProblem(entry: JsonObject, { name, ports }: InstanceView): ConfigProblem | undefined {
  const blackhole = entry["blackhole"] === true;
  const remedy = 'give a "port", or "blackhole": true';
  if (blackhole && "port" in entry)
    return { path: "port", message: "a station whose frames are dropped has no port", remedy };
  if (blackhole) return undefined;
  if (!("port" in entry)) return { path: "port", message: "it has neither a port nor is it a blackhole", remedy };
  const port = ports.find((one) => one.name === entry["port"]);
  if (!port) {
    const known = ports.map((one) => one.name).join(", ");
    return {
      path: "port",
      message: `port '${String(entry["port"])}' does not exist on '${name}': it has ${known}`,
      remedy,
    };
  }
  return memberProblem(port, vlanOf(entry));
}

function memberProblem({ name, config }: InstancePort, vlan: number): ConfigProblem | undefined {
  try {
    if (hasVlan(allowedVlans(config), vlan)) return undefined;
  } catch (error) {
    // Told about the port already.
    if (error instanceof BadVlans) return undefined;
    throw error;
  }
  const remedy = `give the port VLAN ${vlan}, or the entry a VLAN of the port`;
  return { path: "vlan", message: `port '${name}' is not a member of VLAN ${vlan}`, remedy };
}
