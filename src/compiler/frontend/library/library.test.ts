import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { compileClean, compileText, expectDiagnostics } from "../testing.ts";
import { library } from "./index.ts";

/** The values that the declarations of the library export. */
function declaredValues(): string[] {
  const path = fileURLToPath(new URL("../../../language/kernel/index.d.ts", import.meta.url));
  const program = ts.createProgram([path], {
    noEmit: true,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ESNext,
  });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(path)!)!;
  return checker
    .getExportsOfModule(module)
    .filter((symbol) => (symbol.flags & ts.SymbolFlags.Value) !== 0)
    .map((symbol) => symbol.name);
}

describe("the kernel library", () => {
  it("declares to tsc just what the compiler knows", () => {
    assert.deepEqual(declaredValues().sort(), Object.keys(library).sort());
  });

  it("documents everything that it exports", () => {
    const path = fileURLToPath(new URL("../../../language/kernel/index.d.ts", import.meta.url));
    const program = ts.createProgram([path], {
      noEmit: true,
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ESNext,
    });
    const checker = program.getTypeChecker();
    const exports = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(path)!)!);
    const silent = exports.filter((symbol) => {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      return target.getDocumentationComment(checker).length === 0;
    });
    assert.deepEqual(
      silent.map((symbol) => symbol.name),
      [],
    );
  });

  it("type-checks with the standard library, too, as hosts see it", () => {
    const folder = new URL("../../../language/kernel/", import.meta.url);
    const files = ["index.d.ts", "headers.ts"].map((name) => fileURLToPath(new URL(name, folder)));
    const program = ts.createProgram(files, {
      noEmit: true,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2024,
      lib: ["lib.es2024.d.ts"],
      types: [],
    });
    const messages = ts
      .getPreEmitDiagnostics(program)
      .map((one) => ts.flattenDiagnosticMessageText(one.messageText, " "));
    assert.deepEqual(messages, []);
  });

  it("has headers that compile", () => {
    const module = compileClean(`import { onPacket, Pass, Drop } from "iovisor/kernel";
      import {
        Ethernet, EtherType, Ipv4, ipv4HeaderLength, Ipv6, IpProtocol, Tcp, TcpFlags,
      } from "iovisor/kernel/headers";
      export default onPacket((packet) => {
        const ethernet = packet.at(0, Ethernet);
        if (ethernet?.type === EtherType.ipv6) {
          const ip = packet.at(Ethernet.size, Ipv6);
          return ip?.flowLabel === 0x12345 ? Drop : Pass;
        }
        const ip = packet.at(Ethernet.size, Ipv4);
        if (ip?.version !== 4 || ip.protocol !== IpProtocol.tcp) return Pass;
        const tcp = packet.at(Ethernet.size + ipv4HeaderLength(ip), Tcp);
        return tcp && (tcp.flags & TcpFlags.syn) !== 0 ? Drop : Pass;
      });`);
    assert.deepEqual(
      module.sources.map((source) => source.path),
      ["main.ts", "iovisor/kernel/headers"],
    );
  });
});

describe("tracing programs", () => {
  it("read records, kernel objects and names", () => {
    const module = compileClean(`import {
        addressOf, bytes, command, i32, onKernelTracepoint, onTracepoint, processId, readUserString, ringBuffer,
        struct, u32, u64,
      } from "iovisor/kernel";
      const Event = struct({ pid: i32, next: bytes(16), own: bytes(16), path: bytes(64), at: u64, id: u32, pad: u32 });
      export const events = ringBuffer({ event: Event, bytes: 4096 });
      export const switches = onTracepoint("sched:sched_switch", (event) => {
        if (event.prev_state < 0n) return;
        const names = { next: event.next_comm, own: command(), path: bytes(64)() };
        events.emit({ pid: event.next_pid, ...names, at: 0n, id: processId(), pad: 0 });
      });
      export const execs = onTracepoint("syscalls:sys_enter_execve", (event) => {
        const record = Event();
        readUserString(record.path, event.args[0]);
        events.emit(record);
      });
      export const drops = onKernelTracepoint("kfree_skb", (skb, location, reason, socket) => {
        if (!skb || reason < 3) return;
        const device = skb.dev;
        const record = Event();
        record.at = socket ? addressOf(socket) : location;
        if (device) record.pid = device.ifindex;
        if (socket) record.id = socket.__sk_common.skc_num;
        events.emit(record);
      });`);
    const texts = JSON.stringify(module.programs, (_, value) => (typeof value === "bigint" ? String(value) : value));
    assert.deepEqual(
      module.programs.map(({ name, kind, target }) => ({ name, kind, target })),
      [
        { name: "switches", kind: "tracepoint", target: "sched:sched_switch" },
        { name: "execs", kind: "tracepoint", target: "syscalls:sys_enter_execve" },
        { name: "drops", kind: "btfTracepoint", target: "kfree_skb" },
      ],
    );
    for (const part of [
      '"path":["args","0"]',
      '"struct":"btf_trace_kfree_skb","path":["0"]',
      '"path":["__sk_common","skc_num"]',
    ])
      assert.ok(texts.includes(part), part);
  });

  it("give no verdict and handle no packets", () => {
    expectDiagnostics(`import { onTracepoint, Pass, redirect } from "iovisor/kernel";
export const p = onTracepoint("sched:sched_switch", (event) => {
  // @expect IOV2017: verdict.redirect
  redirect(5);
  if (event.prev_pid > 1) return;
  // @expect IOV2017: verdict.pass
  return Pass;
});`);
  });

  it("do not write to the kernel", () => {
    expectDiagnostics(`import { onTracepoint } from "iovisor/kernel";
export const p = onTracepoint("sched:sched_switch", (event) => {
  // @expect TS2540
  event.prev_pid = 5;
  // @expect IOV2016
  event.prev_comm[0] = 5;
});`);
  });
});

describe("connect programs", () => {
  it("decide by address and port", () => {
    const module = compileClean(`import {
        Allow, cidr4, config, Deny, equal, exact, ipv6, onConnect4, onConnect6, prefix, set, u16,
      } from "iovisor/kernel";
      export const settings = config({ ports: set(exact(u16)), nets: set(prefix(cidr4)) });
      export const v4 = onConnect4((socket) =>
        (settings.ports.has(socket.port) || settings.nets.has(socket.address) ? Deny : Allow));
      export const v6 = onConnect6((socket) =>
        (equal(socket.address, ipv6("::1")) && socket.protocol === 6 ? Allow : Deny));`);
    assert.deepEqual(
      module.programs.map((one) => one.kind),
      ["cgroupConnect4", "cgroupConnect6"],
    );
  });
});

describe("modules", () => {
  const shared = {
    "shared.ts": `import { hash, u32, u64, type TypeOf, struct } from "iovisor/kernel";
      export const Count = struct({ packets: u64 }); export type Count = TypeOf<typeof Count>;
      export const counts = hash({ key: u32, value: Count, maxEntries: 4 });
      export const bump = (count: Count) => { count.packets += 1n; };
      export * as inner from "./inner.ts";`,
    "inner.ts": "export const limit = 5;",
  };
  const main = (text: string): string => `import { onPacket, Pass } from "iovisor/kernel";
    import { bump, counts, inner } from "./shared.ts"; import * as all from "./shared.ts";
    ${text}
    export default onPacket((packet) => {
      const c = counts.ref(inner.limit); if (c) bump(c); const d = all.counts.ref(1);
      return Pass;
    });`;

  it("share layouts, maps and functions", () => {
    const module = compileClean(main('export { counts as shown } from "./shared.ts";'), shared);
    assert.deepEqual(
      module.maps.map((map) => map.name),
      ["counts"],
    );
    assert.deepEqual(
      module.sources.map((source) => source.path),
      ["main.ts", "shared.ts"],
    );
  });

  it("name what is not there", () => {
    const { diagnostics, dependencies } = compileText(main('import "./absent.ts";'), shared);
    assert.deepEqual(
      diagnostics.map((one) => one.code),
      ["TS2882"],
    );
    assert.deepEqual(
      dependencies.map((path) => path.split("/").at(-1)),
      ["inner.ts", "shared.ts", "main.ts"],
    );
  });

  it("are compiled again when they change", () => {
    const before = compileText(main(""), shared);
    const after = compileText(main(""), { ...shared, "inner.ts": "export const limit = 6 as string;" });
    const again = compileText(main(""), { ...shared, "inner.ts": "export const limit = 7;" });
    assert.equal(before.diagnostics.length, 0);
    assert.ok(after.diagnostics.some((one) => one.code === "TS2352" || one.code === "IOV1004"));
    assert.match(
      JSON.stringify(again.module, (_, value) => (typeof value === "bigint" ? `${value}n` : value)),
      /"7n"/,
    );
  });
});
