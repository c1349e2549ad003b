import { type Attachment, type AttachSpec, adopt, attach, detachPinned } from "../../kernel/hooks.ts";
import { NetworkNamespace } from "../../kernel/namespaces.ts";
import type { KernelProgram } from "../../kernel/programs.ts";
import type { DataPath } from "../datapath/data-path.ts";
import { entryModule } from "../datapath/entry.ts";
import { compileComposed, loadComposed } from "../datapath/load-composed.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { DeviceEntry } from "./entries.ts";
import type { ModelDevice } from "./model.ts";

/** An entry program on a hook of a device. Plain data: the store keeps it. */
export interface AttachmentRecord {
  readonly key: string;
  /** Its number in the table of entries. */
  readonly entry: number;
  readonly spec: DeviceSpec;
  readonly netns: string | undefined;
  readonly ifindex: number;
}

export interface DeviceSpec {
  readonly hook: "xdp" | "tcx-ingress" | "tcx-egress";
  readonly device: string;
}

/** The attachments that lead into a data path. */
export class Attachments implements Disposable {
  readonly #dataPath: DataPath;
  readonly #held = new Map<string, { readonly record: AttachmentRecord; readonly attachment: Attachment }>();

  constructor(dataPath: DataPath) {
    this.#dataPath = dataPath;
  }

  records(): readonly AttachmentRecord[] {
    return [...this.#held.values()].map(({ record }) => record);
  }

  /** Whether an entry is in its place; not when its device went, though another may have its name and index. */
  has(record: AttachmentRecord): boolean {
    const held = this.#held.get(record.key);
    return held !== undefined && sameAttachment(held.record, record) && held.attachment.isAttached();
  }

  /** Attaches an entry and pins it. @throws E_NO_DEVICE, E_BUSY, NotSupported */
  add(record: AttachmentRecord): void {
    const { spec } = record;
    this.remove(record.key);
    using program = this.#load(record.entry, spec.hook);
    using namespace = openNamespace(record.netns);
    const attachment = attach(program, spec satisfies AttachSpec, namespace ? { namespace } : {});
    try {
      const path = this.#dataPath.pins.link(record.key);
      this.#dataPath.pins.remove(path);
      attachment.pin(path);
    } catch (error) {
      attachment.detach();
      throw error;
    }
    this.#held.set(record.key, { record, attachment });
  }

  /** Takes over what a process before attached. False when it is not there any more, or not the same. */
  adopt(record: AttachmentRecord): boolean {
    const path = this.#dataPath.pins.link(record.key);
    if (!this.#dataPath.pins.exists(path)) return false;
    try {
      using namespace = openNamespace(record.netns);
      const attachment = adopt(path, record.spec, namespace ? { namespace } : {});
      this.#held.set(record.key, { record, attachment });
      return true;
    } catch {
      this.#dataPath.pins.remove(path);
      return false;
    }
  }

  remove(key: string): void {
    const held = this.#held.get(key);
    this.#held.delete(key);
    held?.attachment.detach();
  }

  /** Ends an attachment that is pinned and that no revision knows. */
  removeStranger(name: string): void {
    detachPinned(this.#dataPath.pins.link(name));
  }

  #load(entry: number, at: DeviceSpec["hook"]): KernelProgram {
    const hook: PipelineHook = at === "xdp" ? "xdp" : "tcx";
    const way = at === "xdp" ? "xdp" : at === "tcx-ingress" ? "in" : "out";
    const compiled = compileComposed(entryModule(entry, this.#dataPath.sizes, way), hook);
    return loadComposed(compiled, this.#dataPath.named(hook));
  }

  /** Leaves all of them in place. */
  [Symbol.dispose](): void {
    for (const { attachment } of this.#held.values()) attachment.close();
    this.#held.clear();
  }
}

function sameAttachment(left: AttachmentRecord, right: AttachmentRecord): boolean {
  return (
    left.entry === right.entry &&
    left.ifindex === right.ifindex &&
    left.netns === right.netns &&
    left.spec.hook === right.spec.hook
  );
}

export function openNamespace(name: string | undefined): NetworkNamespace | undefined {
  return name === undefined ? undefined : NetworkNamespace.open(name);
}

/** What an entry of a graph needs on its device; undefined while the device is not there. */
export function attachmentOf(entry: DeviceEntry, number: number, device: ModelDevice): AttachmentRecord | undefined {
  if (!device.found) return undefined;
  const hook = entry.side === "host" ? "tcx-egress" : entry.hook === "xdp" ? "xdp" : "tcx-ingress";
  return {
    key: entry.key,
    entry: number,
    spec: { hook, device: device.found.name },
    netns: device.netns,
    ifindex: device.found.ifindex,
  };
}
