/**
 * The VLAN tag that stands beside a frame at skb hooks as one number: its protocol (EtherType) above its control
 * information; 0 where there is none. On the wire it is in the frame, behind the MAC addresses.
 */
import { concat } from "../../capture/octets.ts";
import * as build from "../../compiler/hir/build.ts";
import type { Expression, Statement } from "../../compiler/hir/tree.ts";
import { numberType, optionalType, type Type } from "../../compiler/hir/types.ts";

const controlUnit = 2 ** 16;
const addressBytes = 12;

export function tagNumber(control: number, protocol: number): number {
  return protocol * controlUnit + control;
}

/** Makes variables of a program. */
export interface Variables {
  variable(name: string, value: Expression, narrow?: "u32"): { readonly statement: Statement; readonly local: number };
  use(local: number): Expression;
}

/** Statements that set a variable to the number. */
export function readTagBeside(program: Variables): {
  readonly statements: readonly Statement[];
  readonly local: number;
} {
  const type: Type = optionalType(numberType);
  const number = program.variable("tag beside", build.number(0), "u32");
  const control = program.variable("control", build.operation("packet.vlanTag", [], type));
  const protocol = program.variable("protocol", build.operation("packet.vlanProtocol", [], type));
  const [found, kind] = [program.use(control.local), program.use(protocol.local)];
  const above = build.binary("multiply", build.unwrap(kind), build.number(controlUnit));
  const told = build.assign(number.local, build.convert("u32", build.add(above, build.unwrap(found))));
  const isThere = build.both(build.present(found), build.present(kind));
  return {
    statements: [number.statement, control.statement, protocol.statement, build.when(isThere, [told])],
    local: number.local,
  };
}

/** The frame as it is on the wire, or as far as it was kept. */
export function withTagBeside(frame: Uint8Array, tag: number): Uint8Array {
  if (tag === 0 || frame.length < addressBytes) return frame;
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, tag);
  return concat(frame.subarray(0, addressBytes), bytes, frame.subarray(addressBytes));
}
