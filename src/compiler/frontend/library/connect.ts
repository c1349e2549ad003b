import type { StructLayout } from "../../hir/layout.ts";
import type { ProgramKind } from "../../hir/tree.ts";
import { builtin } from "../values.ts";
import type { Library, LibraryEntry } from "./index.ts";
import { verdict } from "./packet.ts";
import { programOf } from "./programs.ts";

export const connectLibrary: Library = {
  Allow: verdict("verdict.allow"),
  Deny: verdict("verdict.deny"),
  onConnect4: program("cgroupConnect4"),
  onConnect6: program("cgroupConnect6"),
};

function program(programKind: ProgramKind): LibraryEntry {
  return () => builtin(programKind, (frame, call) => programOf(frame, call, { programKind, handler: 0 }));
}

const u32 = { kind: "integer", bits: 32, signed: false, order: "native" } as const;
const common = [
  { name: "port", offset: 24, layout: { kind: "integer", bits: 16, signed: false, order: "big" } },
  { name: "family", offset: 28, layout: u32 },
  { name: "type", offset: 32, layout: u32 },
  { name: "protocol", offset: 36, layout: u32 },
] as const;

/**
 * struct bpf_sock_addr (include/uapi/linux/bpf.h) as connect4 and connect6 programs see it. `user_port` is a u32 whose
 * first half holds the port in network order.
 */
export const socketLayouts: Readonly<Record<"cgroupConnect4" | "cgroupConnect6", StructLayout>> = {
  cgroupConnect4: socket([
    { name: "address", offset: 4, layout: { kind: "integer", bits: 32, signed: false, order: "big" } },
  ]),
  cgroupConnect6: socket([{ name: "address", offset: 8, layout: { kind: "bytes", length: 16 } }]),
};

function socket(address: StructLayout["fields"]): StructLayout {
  return { kind: "struct", name: "bpf_sock_addr", size: 72, align: 8, fields: [...address, ...common] };
}
