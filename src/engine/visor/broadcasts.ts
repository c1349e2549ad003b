import { IovisorError } from "../../errors.ts";
import { KernelMap, setDevice } from "../../kernel/maps.ts";
import type { KernelProgram } from "../../kernel/programs.ts";
import type { DataPath } from "../datapath/data-path.ts";
import { recirculatingModule } from "../datapath/egress-program.ts";
import { compileComposed, loadComposed } from "../datapath/load-composed.ts";
import { recirculationTag } from "../datapath/recirculation-program.ts";
import { groupKey, mostVariants } from "../pipeline/flood.ts";
import { mostMembers, notedPorts, tableNames } from "../pipeline/tables.ts";
import { openNamespace } from "./attachments.ts";
import type { PlannedGroup, PlannedMember } from "./floods.ts";

/** A group as XDP programs need it: with the ports that lead to functions. */
export interface BroadcastGroup extends PlannedGroup {
  readonly innerPorts: readonly number[];
}

/** The device maps that XDP programs broadcast to: one for each group, and one without each port to a function. */
export class BroadcastTable {
  readonly #dataPath: DataPath;

  constructor(dataPath: DataPath) {
    this.#dataPath = dataPath;
  }

  /** @param hidden the index of the end of an entry's hidden pair */
  set(group: BroadcastGroup, parity: number, hidden: (entry: number) => number | undefined): void {
    const { innerPorts } = group;
    if (innerPorts.length > mostVariants) {
      const message = `an instance that floods at XDP has ${innerPorts.length} ports to functions, ${mostVariants} fit`;
      throw new IovisorError("E_USAGE", message, "spread the ports over several instances");
    }
    const tagged = group.members.some((member) => member.tagged);
    if (tagged && group.members.some(({ port }) => port >= notedPorts)) {
      const message = `an instance that floods with tags at XDP has a port of a number beyond ${notedPorts - 1}`;
      throw new IovisorError("E_USAGE", message, 'give the devices the hook "tcx"');
    }
    using made = new DisposableStack();
    const programs = new Map<number, KernelProgram | undefined>();
    for (const [variant, left] of [undefined, ...innerPorts].entries()) {
      const devices = made.use(KernelMap.create(deviceMap));
      for (const [index, member] of group.members.entries()) {
        // At XDP no copy can reach the stack: graphs that would need it are refused.
        if (member.port === left || member.kind === "host") continue;
        if (!programs.has(member.port)) programs.set(member.port, this.#program(member, parity, made));
        this.#add(devices, index, member, programs.get(member.port), hidden);
      }
      this.#dataPath.table("groups").updateDescriptor(keyOf(group, parity, variant), devices);
    }
  }

  delete(group: Pick<BroadcastGroup, "instance" | "group" | "innerPorts">, parity: number): void {
    for (let variant = 0; variant <= group.innerPorts.length; variant++) {
      this.#dataPath.table("groups").delete(keyOf(group, parity, variant));
    }
  }

  #program(member: PlannedMember, parity: number, made: DisposableStack): KernelProgram | undefined {
    if (member.kind === "device") return member.untag ? this.#dataPath.untagging(member.port) : undefined;
    if (member.kind === "host") return undefined;
    const module = recirculatingModule(member.port, recirculationTag(member.entry, parity));
    return made.use(loadComposed(compileComposed(module, "xdp-devmap"), {}));
  }

  #add(
    devices: KernelMap,
    index: number,
    member: PlannedMember,
    program: KernelProgram | undefined,
    hidden: (entry: number) => number | undefined,
  ): void {
    const ifindex = member.kind === "entry" ? hidden(member.entry) : member.ifindex;
    if (ifindex === undefined) return;
    using namespace = openNamespace(member.kind === "device" ? member.netns : undefined);
    setDevice(devices, index, { ifindex, ...(program ? { program } : {}), ...(namespace ? { namespace } : {}) });
  }
}

/** As the template of the map of groups: the kernel takes no other (bpf_map_meta_equal). */
const deviceMap = {
  name: tableNames.groupDevices,
  type: "devmap",
  keySize: 4,
  valueSize: 8,
  maxEntries: mostMembers,
} as const;

function keyOf(group: Pick<PlannedGroup, "instance" | "group">, parity: number, variant: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, groupKey(parity, group.instance, group.group, variant), true);
  return key;
}
