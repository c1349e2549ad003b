/** Maps: what they are (spec) and the object in the kernel. */
export type { PackedEntries } from "./maps/batch.ts";
export { type DeviceEntry, type DeviceTarget, deviceAt, setDevice } from "./maps/devices.ts";
export type { MapInfo } from "./maps/info.ts";
export { KernelMap, type MapCreationOptions, type UpdateMode, type UpdateOptions } from "./maps/map.ts";
export * from "./maps/spec.ts";
export type { MapView } from "./maps/view.ts";
