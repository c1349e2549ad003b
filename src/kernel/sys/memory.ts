/** Shared memory mappings whose views cannot be used after the mapping is gone. */
import { IovisorError } from "../../errors.ts";
import { errnoText } from "./errno.ts";
import { memoryAt, syscall } from "./native.ts";
import { NR } from "./numbers.ts";

/** Page protection bits of mmap(2). */
export const PROT_READ = 1;
export const PROT_WRITE = 2;
const MAP_SHARED = 1;

/** Mapped memory. Reading its buffer is as fast as any ArrayBuffer. */
export interface Mapping {
  readonly address: number;
  readonly buffer: ArrayBuffer;
  /** Unmaps; the buffer and its views get length 0, so that late readers see nothing rather than crash. */
  close(): void;
}

/**
 * Maps `size` bytes of `fd` from `offset` (a multiple of the page size), shared. Writing to a mapping without
 * {@link PROT_WRITE} kills the process: keep such buffers private to the code that maps them.
 */
export function mapShared(fd: number, size: number, protection: number, offset = 0): Mapping {
  const address = syscall(NR.mmap, 0, size, protection, MAP_SHARED, fd, offset);
  if (address < 0) {
    throw new IovisorError(
      "E_SYSCALL",
      `mapping ${size} bytes of descriptor ${fd} at ${offset} failed: ${errnoText(address)}`,
      "check that the map was made for mapping (BPF_F_MMAPABLE, ring buffer) and is not frozen",
    );
  }
  const buffer = memoryAt(address, size);
  return {
    address,
    buffer,
    close() {
      if (buffer.detached) return;
      buffer.transfer(0);
      syscall(NR.munmap, address, size);
    },
  };
}
