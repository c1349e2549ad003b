/** Numbers of the ELF-64 format (elf(5)) and of the eBPF target (llvm/BinaryFormat/ELFRelocs/BPF.def). */
export const elfHeaderSize = 64;
export const sectionHeaderSize = 64;
export const symbolSize = 24;
export const relocationSize = 16;

export const objectType = { relocatable: 1 } as const;
export const machineBpf = 247;

export const sectionTypes = { null: 0, progbits: 1, symtab: 2, strtab: 3, rela: 4, nobits: 8, rel: 9 } as const;
export const sectionFlags = { write: 1, alloc: 2, executable: 4 } as const;

export const symbolTypes = { none: 0, object: 1, func: 2, section: 3 } as const;
export const symbolBindings = { local: 0, global: 1, weak: 2 } as const;

export const relocationTypes = {
  /** A 64-bit immediate (`lddw`): a map, data, or the address of a function. */
  R_BPF_64_64: 1,
  /** The 32-bit immediate of a call. */
  R_BPF_64_32: 10,
} as const;

/** Bytes of one slot: the unit that branch offsets and records count. */
export const slotSize = 8;
