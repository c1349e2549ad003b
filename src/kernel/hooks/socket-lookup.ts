/** Socket look-up: which local socket receives a connection or datagram, per network namespace (Linux 5.9). */
import { NetworkNamespace } from "../namespaces.ts";
import { attachTypes, linkCreate } from "../sys/bpf.ts";
import { systemError } from "../system-error.ts";
import type { AttachOptions } from "./attachment.ts";
import type { LinkRecipe } from "./link-attachment.ts";
import { describeLoaded } from "./link-info.ts";

/** The hook of the namespace in the options. */
export interface SocketLookupSpec {
  readonly hook: "sk-lookup";
}

/** How socket look-up links are made. */
export function socketLookupRecipe(_spec: SocketLookupSpec, options: AttachOptions): LinkRecipe {
  const withNamespace = <Result>(body: (namespace: NetworkNamespace) => Result): Result => {
    if (options.namespace) return body(options.namespace);
    using current = NetworkNamespace.current();
    return body(current);
  };
  const target = withNamespace((namespace) => namespace.name ?? `network namespace ${namespace.inode}`);
  return {
    hook: "sk-lookup",
    target,
    replacement: "in-place",
    create: (program) =>
      withNamespace((namespace) => {
        const result = linkCreate({
          programFd: program.fd,
          target: namespace.fd,
          attachType: attachTypes.sk_lookup,
        });
        if (result >= 0) return result;
        throw systemError(
          `attaching ${describeLoaded(program)} at sk-lookup of ${target}`,
          result,
          "it must be an sk_lookup program, loaded for sk_lookup",
        );
      }),
    matches: (info) => info.type === "netns" && withNamespace(({ inode }) => BigInt(info.namespaceInode) === inode),
  };
}
