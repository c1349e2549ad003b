/** The fields of `struct __sk_buff` by name: offset and size in bytes (include/uapi/linux/bpf.h). */
export const skbFields = {
  len: [0, 4],
  pkt_type: [4, 4],
  mark: [8, 4],
  queue_mapping: [12, 4],
  /** Network byte order, in the low 16 bits. */
  protocol: [16, 4],
  vlan_present: [20, 4],
  vlan_tci: [24, 4],
  /** Network byte order, in the low 16 bits. */
  vlan_proto: [28, 4],
  priority: [32, 4],
  ingress_ifindex: [36, 4],
  ifindex: [40, 4],
  tc_index: [44, 4],
  cb: [48, 20],
  hash: [68, 4],
  tc_classid: [72, 4],
  data: [76, 4],
  data_end: [80, 4],
  napi_id: [84, 4],
  data_meta: [140, 4],
  tstamp: [152, 8],
  wire_len: [160, 4],
  gso_segs: [164, 4],
  sk: [168, 8],
  gso_size: [176, 4],
  tstamp_type: [180, 1],
  hwtstamp: [184, 8],
} as const;

export type SkbField = keyof typeof skbFields;

/** Fields that hold one number of 32 bits, which input and result name. */
export type SkbNumber = Exclude<SkbField, "cb" | "data" | "data_end" | "data_meta" | "tstamp" | "sk" | "hwtstamp">;

export const SKB_SIZE = 192;

/** What a tc program may write (tc_cls_act_is_valid_access, net/core/filter.c). */
export const writableFields: readonly SkbField[] = [
  "mark",
  "queue_mapping",
  "priority",
  "tc_index",
  "cb",
  "tc_classid",
  "tstamp",
];

/** The field that contains the byte at `offset`. */
export function fieldAt(offset: number): SkbField | undefined {
  const names = Object.keys(skbFields) as SkbField[];
  return names.find((name) => offset >= skbFields[name][0] && offset < skbFields[name][0] + skbFields[name][1]);
}
