import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ensureBpffs, isOnBpffs, mountedBpffs, openPinned, pinObject, unpin } from "./bpffs.ts";
import { KernelMap } from "./maps.ts";
import { zeroTerminated } from "./sys/bpf.ts";
import { syscall } from "./sys/native.ts";
import { NR } from "./sys/numbers.ts";
import { skipWithoutBpf, uniqueName } from "./testing.ts";

test("a bpffs is mounted once, holds pins in directories, and gives them up", { skip: skipWithoutBpf }, () => {
  const directory = mkdtempSync(join(tmpdir(), "iov bpffs-"));
  assert.equal(isOnBpffs(directory), false);
  try {
    assert.equal(ensureBpffs(directory), directory);
    ensureBpffs(directory);
    assert.equal(mountedBpffs().filter((path) => path === directory).length, 1);
    using map = KernelMap.create({ name: uniqueName(), type: "array", keySize: 4, valueSize: 4, maxEntries: 1 });
    const path = join(directory, "a", "b", "map");
    pinObject(map.fd, path, "a map");
    KernelMap.fromFd(openPinned(path)).close();
    unpin(join(directory, "a"));
    assert.equal(existsSync(path), false);
    unpin(join(directory, "a"));
    assert.throws(() => openPinned(path), /nothing is pinned/);
  } finally {
    syscall(NR.umount2, zeroTerminated(directory), 0);
    rmdirSync(directory);
  }
});

test("a path outside of a bpffs is refused before anything is made", { skip: skipWithoutBpf }, () => {
  using map = KernelMap.create({ name: uniqueName(), type: "array", keySize: 4, valueSize: 4, maxEntries: 1 });
  const path = join(tmpdir(), uniqueName(), "map");
  assert.throws(() => pinObject(map.fd, path, "a map"), /not on a bpffs/);
  assert.equal(existsSync(join(path, "..")), false);
});
