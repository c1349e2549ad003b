/** bpf(2), command by command: pure layout of arguments, no policy. See include/uapi/linux/bpf.h. */
export * from "./attributes.ts";
export * from "./bpf-link.ts";
export * from "./bpf-map.ts";
export * from "./bpf-object.ts";
export * from "./bpf-program.ts";
export * from "./constants.ts";
