/** What the error numbers of map calls mean, which differs by map type. */
import { IovisorError } from "../../errors.ts";
import { errno, errnoText } from "../sys/errno.ts";
import { SystemError, systemError } from "../system-error.ts";
import { isArray, type MapSpec } from "./spec.ts";

/** What a failure message says about a map. */
export type MapIdentity = Pick<MapSpec, "name" | "type" | "maxEntries">;

function unsupported(map: MapIdentity, action: string, number: number): SystemError {
  return new SystemError(
    "E_USAGE",
    `${action} is not possible for map "${map.name}" of type ${map.type}: ${errnoText(number)}`,
    isArray(map.type)
      ? "an array's entries always exist: write another value instead of deleting"
      : "use an operation that this map type has",
    number,
  );
}

/** The error for a failed call on a map's elements. */
export function mapFailure(map: MapIdentity, action: string, result: number): SystemError {
  const number = Math.abs(result);
  const outOfRange = number === errno.E2BIG && isArray(map.type);
  if (outOfRange) {
    const range = `its indices are 0..${map.maxEntries - 1}`;
    return new SystemError("E_USAGE", `${action}: no such index in map "${map.name}"`, range, number);
  }
  // Hashes, queues and stacks answer E2BIG, LPM tries ENOSPC (kernel/bpf/hashtab.c, queue_stack_maps.c, lpm_trie.c).
  if (number === errno.E2BIG || number === errno.ENOSPC) {
    return new SystemError(
      "E_FULL",
      `${action}: map "${map.name}" has no room for more than ${map.maxEntries} entries`,
      "raise maxEntries, delete entries, or use an LRU hash",
      number,
    );
  }
  if (number === errno.EINVAL || number === errno.ENOTSUPP || number === errno.EOPNOTSUPP) {
    return unsupported(map, action, number);
  }
  if (number === errno.EPERM) {
    return new SystemError(
      "E_PERMISSION",
      `${action}: map "${map.name}" is frozen or not open for this access`,
      "write before freezing, or open the map with the access that is needed",
      number,
    );
  }
  return systemError(`${action} of map "${map.name}"`, result);
}

/** The error for bytes of the wrong size. */
export function sizeError(map: MapIdentity, what: "key" | "value", actual: number, expected: number): IovisorError {
  return new IovisorError(
    "E_USAGE",
    `a ${what} of map "${map.name}" has ${expected} bytes, not ${actual}`,
    `pass a Uint8Array of exactly ${expected} bytes`,
  );
}
