/** Which helpers a program type may call on this kernel: asked one by one, since there are thousands of pairs. */
import * as build from "../../bytecode/build.ts";
import { helperId } from "../../bytecode/helper-names.ts";
import { IovisorError } from "../../errors.ts";
import { kernelTypes } from "../btf.ts";
import { KernelProgram, type ProgramSpec, programTypeName, VerifierError } from "../programs.ts";
import type { attachTypes, ProgramTypeName } from "../sys/constants.ts";
import type { FeatureResult } from "./feature.ts";

/** Attach types for program types that want one at load, so that the refusal is about the helper. */
const expected: Readonly<Partial<Record<ProgramTypeName, keyof typeof attachTypes>>> = {
  cgroup_sock: "cgroup_inet_sock_create",
  cgroup_sock_addr: "cgroup_inet4_connect",
  cgroup_sockopt: "cgroup_getsockopt",
  sk_lookup: "sk_lookup",
  netfilter: "netfilter",
  tracing: "trace_raw_tp",
  lsm: "lsm_mac",
};

function attachTarget(type: string): number {
  if (type === "tracing") return kernelTypes().findTypedef("btf_trace_sched_process_exit") ?? 0;
  return type === "lsm" ? (kernelTypes().findFunc("bpf_lsm_file_open") ?? 0) : 0;
}

/** Messages of the verifier that mean "no such helper here" (kernel/bpf/verifier.c, check_helper_call). */
const ABSENT = /unknown func|invalid func|program of this type cannot use helper/;

function probeHelper(type: ProgramSpec["type"], helper: string): FeatureResult {
  const id = helperId(helper);
  if (id === undefined) throw new IovisorError("E_USAGE", `there is no helper "${helper}"`, "name it without bpf_");
  const name = programTypeName({ type });
  const attachType = expected[name as ProgramTypeName];
  const spec: ProgramSpec = {
    name: "probe",
    type,
    license: "GPL",
    instructions: [build.callHelper(id), build.movImm(0, 0), build.exit()],
    attachBtfId: attachTarget(name),
    ...(attachType ? { expectedAttachType: attachType } : {}),
  };
  try {
    KernelProgram.load(spec).close();
    return { supported: true };
  } catch (error) {
    // Any other complaint is about missing arguments: the verifier knows the helper.
    if (error instanceof VerifierError && !ABSENT.test(error.log)) return { supported: true };
    if (!(error instanceof IovisorError)) throw error;
    const reason = error instanceof VerifierError ? error.parsed.reason : error.message;
    return { supported: false, reason };
  }
}

const cache = new Map<string, FeatureResult>();

/**
 * May programs of this type call this helper on this kernel? `helper` is without the `bpf_` prefix, as in
 * `helperName()`. The answer is cached for the process.
 */
export function helperFeature(type: ProgramSpec["type"], helper: string): FeatureResult {
  const key = `${type}/${helper}`;
  const known = cache.get(key);
  if (known) return known;
  const result = probeHelper(type, helper);
  cache.set(key, result);
  return result;
}
