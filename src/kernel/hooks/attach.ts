/** One way in for all hooks. */
import type { AttachableProgram, Attachment, AttachOptions, AttachSpec } from "./attachment.ts";
import { cgroupRecipe } from "./cgroup.ts";
import { LinkAttachment, type LinkRecipe } from "./link-attachment.ts";
import { netfilterRecipe } from "./netfilter.ts";
import { rawTracepointRecipe } from "./raw-tracepoint.ts";
import { socketLookupRecipe } from "./socket-lookup.ts";
import { adoptTcx, attachTcx, type TcxSpec } from "./tcx.ts";
import { tracepointRecipe } from "./tracepoint.ts";
import { adoptXdp, attachXdp, type XdpSpec } from "./xdp.ts";

/** Attaches a loaded program. */
export function attach(program: AttachableProgram, spec: AttachSpec, options: AttachOptions = {}): Attachment {
  switch (spec.hook) {
    case "xdp":
      return attachXdp(program, spec, options);
    case "tcx-ingress":
    case "tcx-egress":
      return attachTcx(program, spec, options);
    default:
      return LinkAttachment.create(recipe(spec, options), program);
  }
}

/**
 * Takes over an attachment that was pinned at `path`. Throws E_USAGE if nothing is pinned there, or something that is
 * not an attachment to that target.
 */
export function adopt(path: string, spec: AttachSpec, options: AttachOptions = {}): Attachment {
  switch (spec.hook) {
    case "xdp":
      return adoptXdp(path, spec, options);
    case "tcx-ingress":
    case "tcx-egress":
      return adoptTcx(path, spec, options);
    default:
      return LinkAttachment.adopt(recipe(spec, options), path);
  }
}

function recipe(spec: Exclude<AttachSpec, XdpSpec | TcxSpec>, options: AttachOptions): LinkRecipe {
  switch (spec.hook) {
    case "tracepoint":
      return tracepointRecipe(spec);
    case "raw_tp":
    case "tp_btf":
      return rawTracepointRecipe(spec);
    case "netfilter":
      return netfilterRecipe(spec, options);
    case "sk-lookup":
      return socketLookupRecipe(spec, options);
    default:
      return cgroupRecipe(spec);
  }
}
