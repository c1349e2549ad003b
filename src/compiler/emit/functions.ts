import type { BtfBuilder } from "../../bytecode/btf-builder.ts";
import type { BtfId } from "../../bytecode/btf-types.ts";
import type { Hook } from "../../language/kinds.ts";
import type { IrFunction } from "../ir/ir.ts";

/** The context structure that the kernel wants to see in the type of a function that takes it. */
const contextStructs: Readonly<Record<string, string>> = {
  xdp: "xdp_md",
  skb: "__sk_buff",
};

/** The BTF of a function. A global one's types are what the verifier checks it by (btf_prepare_func_args). */
export function typeOfFunction(
  btf: BtfBuilder,
  fn: Pick<IrFunction, "name" | "linkage" | "parameterKinds">,
  hook: Hook,
): BtfId {
  const parameters = fn.parameterKinds.map((kind, index) => ({
    name: kind === "context" ? "ctx" : `a${index + 1}`,
    type: parameterType(btf, kind, hook),
  }));
  const prototype = btf.prototype(btf.int("int", 4, { signed: true }), parameters);
  return btf.func(fn.name, prototype, fn.linkage);
}

function parameterType(btf: BtfBuilder, kind: IrFunction["parameterKinds"][number], hook: Hook): BtfId {
  switch (kind) {
    case "context": {
      const struct = hook.packetModel && contextStructs[hook.packetModel];
      return btf.pointer(struct ? btf.struct(struct, 0, []) : 0);
    }
    case "integer":
      return btf.int("u64", 8);
    case "address":
      return btf.pointer(0);
  }
}
