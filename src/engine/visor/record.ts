import type { DeviceRecord } from "../datapath/device-table.ts";
import type { PairPlace } from "../datapath/recirculation.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { WorkFactors } from "../pipeline/work.ts";
import type { AttachmentRecord } from "./attachments.ts";
import type { Identities } from "./identities.ts";
import type { Remedy } from "./preflight.ts";

/** A pipeline that is in the kernel. */
export interface PipelineRecord {
  readonly hook: PipelineHook;
  readonly slot: number;
  /** Of its program. */
  readonly fingerprint: string;
  /** Of its program and the maps that the program refers to. */
  readonly loaded: string;
  /** Its program was made with few paths, as the fast form was too much for the verifier. */
  readonly fewPaths?: true;
}

/**
 * A map of an instance that is in the kernel: where it is pinned, and the fingerprints of its layout and of what
 * configuration put in.
 */
export interface MapRecord {
  readonly pin: string;
  readonly layout: string;
  readonly contents?: string;
}

/** A group of an instance, by the instance's identity. */
export interface GroupRecord {
  readonly instance: number;
  readonly group: number;
  /** Ports of the instance that lead to functions. */
  readonly innerPorts: readonly number[];
}

export type PairRecord = PairPlace;

/**
 * All that a process must know of a data path to go on with it: plain data, kept in the store with each revision.
 */
export interface DataPathRecord {
  readonly generation: number;
  readonly identities: Identities;
  readonly pipelines: Readonly<Record<string, PipelineRecord>>;
  readonly maps: Readonly<Record<string, Readonly<Record<string, MapRecord>>>>;
  readonly attachments: readonly AttachmentRecord[];
  readonly devices: readonly DeviceRecord[];
  /** Groups of ports in the table of groups. */
  readonly groups: readonly GroupRecord[];
  /** Hidden pairs of devices. */
  readonly pairs: readonly PairRecord[];
  /** What was changed on devices for the hooks. */
  readonly remedies: readonly Remedy[];
  /** The next number for a pinned map. */
  readonly nextMap: number;
  /** What pipelines were cut by: functions that are more work for the verifier than it seems. Absent: none are. */
  readonly workFactors?: WorkFactors;
}
