import type { OperationName } from "../../../language/operations.ts";
import { numberType, u64Type } from "../../hir/types.ts";
import type { ObjectValue } from "../values.ts";
import type { Library } from "./index.ts";
import { numberOperation } from "./packet.ts";

const clocks: Readonly<Record<string, OperationName>> = {
  now: "time.monotonic",
  coarse: "time.coarse",
  jiffies: "time.jiffies",
};

const time: ObjectValue = {
  kind: "object",
  what: "the clocks",
  member: (_, name) => (Object.hasOwn(clocks, name) ? numberOperation(clocks[name]!, u64Type) : undefined),
};

export const systemLibrary: Library = {
  time: () => time,
  random: () => numberOperation("random.u32", numberType),
  cpu: () => numberOperation("cpu.id", numberType),
};
