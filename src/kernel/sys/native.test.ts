import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { Descriptor, leakedDescriptors, openDescriptors } from "./descriptor.ts";
import { errno, errnoName, errnoText } from "./errno.ts";
import { addressOf, memoryAt, pollReadable, syscall } from "./native.ts";
import { NR } from "./numbers.ts";

function pipe(): [number, number] {
  const ends = new Int32Array(2);
  assert.equal(syscall(NR.pipe2, new Uint8Array(ends.buffer)), 0);
  return [ends[0]!, ends[1]!];
}

test("a system call returns its result, or the negative error number", () => {
  assert.ok(syscall(NR.gettid) > 0);
  assert.equal(syscall(NR.close, -1), -errno.EBADF);
  assert.equal(errnoName(-errno.EBADF), "EBADF");
  assert.match(errnoText(-524), /ENOTSUPP .*kernel/);
  assert.equal(errnoName(4000), "errno 4000");
});

test("a buffer's memory is what the kernel writes to", () => {
  const [read, write] = pipe();
  const out = Uint8Array.of(1, 2, 3);
  const back = new Uint8Array(3);
  assert.equal(syscall(NR.write, write, out, 3), 3);
  assert.equal(syscall(NR.read, read, back, 3), 3);
  assert.deepEqual(back, out);
  assert.deepEqual(new Uint8Array(memoryAt(addressOf(back), 3)), out);
  syscall(NR.close, read);
  syscall(NR.close, write);
});

test("small buffers keep their address while the heap moves", () => {
  const buffers = Array.from({ length: 1000 }, (_, index) => Uint8Array.of(index & 255, 1, 2, 3));
  const addresses = buffers.map(addressOf);
  const garbage: unknown[] = [];
  for (let round = 0; round < 200_000; round++) garbage[round % 100] = { round, list: [round] };
  assert.deepEqual(buffers.map(addressOf), addresses);
});

test("readable descriptors wake the loop, and promises run between wake-ups", { timeout: 10_000 }, async () => {
  // A child writes, so that nothing but the poll handle can make this loop turn.
  const [fd, write] = pipe();
  const child = spawn("sh", ["-c", "for i in 1 2 3 4 5; do printf x; sleep 0.02; done"], {
    stdio: ["ignore", write, "ignore"],
  });
  const exited = once(child, "exit");
  let wakeUps = 0;
  let microtasks = 0;
  let bytes = 0;
  const buffer = new Uint8Array(64);
  await new Promise<void>((resolve) => {
    const handle = pollReadable(fd, () => {
      const count = syscall(NR.read, fd, buffer, buffer.length);
      wakeUps++;
      assert.ok(microtasks >= wakeUps - 1, "the previous wake-up's promise has run");
      Promise.resolve().then(() => microtasks++);
      if (count > 0) bytes += count;
      if (bytes === 5) {
        handle.close();
        resolve();
      }
    });
  });
  assert.equal(bytes, 5);
  await exited;
  syscall(NR.close, fd);
  syscall(NR.close, write);
});

test("a descriptor closes once, refuses later use and is listed as a leak with its place of creation", () => {
  const before = openDescriptors();
  const [read, write] = pipe();
  const first = new Descriptor(read, "pipe's reading end");
  {
    using second = new Descriptor(write, "pipe's writing end");
    assert.equal(leakedDescriptors(before).length, 2);
    assert.ok(!second.closed);
  }
  const [leak, ...more] = leakedDescriptors(before);
  assert.deepEqual(more, []);
  assert.match(leak ?? "", /pipe's reading end[\s\S]*native\.test\.ts/);
  first.close();
  first.close();
  assert.throws(() => first.fd, /closed/);
  assert.deepEqual(leakedDescriptors(before), []);
});
