import { Errno } from "../errno.ts";
import { FaultReason } from "../fault.ts";
import type { Machine } from "../machine.ts";
import { arg, argBytes, argSize, argU32, type HelperTable } from "./helper.ts";

export const formatHelpers: HelperTable = {
  trace_printk: (m) => {
    const format = text(argBytes(m, 1));
    const line = render(m, format, [arg(m, 3), arg(m, 4), arg(m, 5)]);
    if (line === undefined) {
      return Errno.EINVAL;
    }
    m.environment.trace.push(line);
    return line.length;
  },
  trace_vprintk: (m) => {
    const line = render(m, text(argBytes(m, 1)), words(m, arg(m, 3), argU32(m, 4)));
    if (line === undefined) {
      return Errno.EINVAL;
    }
    m.environment.trace.push(line);
    return line.length;
  },
  /** Gives the length with NUL that the whole text would need. */
  snprintf: (m) => {
    const target = m.memory.write(arg(m, 1), argSize(m, 2));
    const line = render(m, stringAt(m, arg(m, 3)), words(m, arg(m, 4), argU32(m, 5)));
    if (line === undefined) {
      return Errno.EINVAL;
    }
    const bytes = new TextEncoder().encode(line);
    if (target.length > 0) {
      const count = Math.min(bytes.length, target.length - 1);
      target.set(bytes.subarray(0, count));
      target[count] = 0;
    }
    return bytes.length + 1;
  },
};

const conversion = /%(%|(0?)(\d*)(l{0,2})([diuxXpsc]))/g;

/** The subset of printk's formats that bpf_bprintf_prepare takes; undefined when there is something else. */
function render(m: Machine, format: string, values: readonly bigint[]): string | undefined {
  let next = 0;
  const rest = format.replaceAll(conversion, "");
  if (rest.includes("%")) {
    return undefined;
  }
  return format.replaceAll(
    conversion,
    (whole, body: string, zero: string, width: string, long: string, kind: string) => {
      if (body === "%") {
        return "%";
      }
      const value = values[next++];
      if (value === undefined) {
        throw new FaultReason(`format "${format}" has no value for ${whole}`);
      }
      return show(m, kind, long !== "", value).padStart(Number(width), zero === "" ? " " : "0");
    },
  );
}

function show(m: Machine, kind: string, isLong: boolean, value: bigint): string {
  const bits = isLong ? 64 : 32;
  switch (kind) {
    case "d":
    case "i":
      return BigInt.asIntN(bits, value).toString();
    case "u":
      return BigInt.asUintN(bits, value).toString();
    case "x":
      return BigInt.asUintN(bits, value).toString(16);
    case "X":
      return BigInt.asUintN(bits, value).toString(16).toUpperCase();
    case "p":
      return value.toString(16).padStart(16, "0");
    case "c":
      return String.fromCharCode(Number(value & 0xffn));
    default:
      return stringAt(m, value);
  }
}

function words(m: Machine, address: bigint, size: number): bigint[] {
  const bytes = m.memory.read(address, size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: size >> 3 }, (_, index) => view.getBigUint64(index * 8, true));
}

function stringAt(m: Machine, address: bigint): string {
  const bytes: number[] = [];
  for (let at = address; ; at++) {
    const byte = m.memory.read(at, 1)[0]!;
    if (byte === 0) {
      return new TextDecoder().decode(Uint8Array.from(bytes));
    }
    bytes.push(byte);
  }
}

/** The text up to the first NUL. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end));
}
