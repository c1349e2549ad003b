import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { commands } from "./commands.ts";

const main = join(import.meta.dirname, "main.ts");
const root = join(import.meta.dirname, "../..");
const closedPort = join(root, "examples/closed-port.ts");

function iovisor(...args: string[]) {
  const child = spawnSync(process.execPath, [main, ...args], { encoding: "utf8", timeout: 60_000 });
  return { code: child.status, out: child.stdout, err: child.stderr };
}

function scratch(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "iov-cli-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test("prints help for itself and for every command, with the exit codes", () => {
  const { code, out } = iovisor("--help");
  assert.equal(code, 0);
  assert.match(out, /Exit codes: 0 done, 1 failed, 2 wrong arguments, 129/);
  for (const { name } of commands) {
    assert.match(out, new RegExp(`^ {2}${name} `, "m"));
    const help = iovisor(name, "--help");
    assert.equal(help.code, 0);
    assert.match(help.out, new RegExp(`^Usage: iovisor ${name}`));
  }
});

test("ends with 2 for wrong arguments, and says which", () => {
  const wrong = (args: readonly string[], message: RegExp) => {
    const { code, err } = iovisor(...args);
    assert.match(err, message);
    assert.equal(code, 2, args.join(" "));
  };
  wrong(["rnu"], /unknown command 'rnu'[\s\S]*run/);
  wrong(["run"], /missing required argument 'file'/);
  wrong(["run", "--wach", "x.ts"], /unknown option '--wach'[\s\S]*--watch/);
  wrong(["run", "x.ts", "--for", "soon"], /Expected a positive number/);
  wrong(["run", "no-such-file.ts", "--attach", "xdp:eth0"], /no-such-file\.ts does not exist/);
  wrong(["run", closedPort], /nothing says where closed-port goes/);
  wrong(["run", closedPort, "--attach", "xpd:eth0"], /there is no hook "xpd"/);
  wrong(["explain", closedPort, "--packet", "eth / nonsense"], /nonsense/);
  wrong(["run", closedPort, "--attach", "raw_tp:sched_switch"], /no hook "raw_tp" for kernel code\n.*: xdp, /);
  wrong(["run", closedPort, "--attach", "xdp:lo", "--attach", "xdp:lo"], /--attach xdp:lo is given twice/);
  wrong(
    ["run", closedPort, "--attach", "tp_btf:sched_switch"],
    /attached without being asked\n {2}leave this --attach/,
  );
  wrong(["explain", closedPort, "--packet", root], /is not a file\n.* capture file/);
  wrong(["build", closedPort, "-o", "x.exe"], /does not say what to make/);
  wrong(["get", "nothing"], /Allowed choices are graph, instances/);
  wrong(["rollback", "0"], /Expected the number of a revision/);
  wrong(["apply", "-f", "no-such.yaml"], /no-such\.yaml: cannot be read/);
  wrong(["create", "switch", "sw1", "--port", "=dev:lo"], /"=dev:lo" is no port/);
  wrong(["daemon", "--listen", "[::1]:8443"], /with TLS only[\s\S]*--tls-cert/);
  wrong(["daemon", "--listen", "[::1]:8443", "--tls-cert", "a", "--tls-key", "b"], /with a token only/);
  wrong(["daemon", "--token-file", "a"], /are for the network/);
});

test("the unit of systemd starts the daemon with options that it has", () => {
  const unit = readFileSync(join(root, "packaging/iovisor.service"), "utf8");
  const [, options = ""] = /^ExecStart=\/usr\/bin\/iovisor daemon (.*)$/m.exec(unit) ?? [];
  const { out } = iovisor("daemon", "--help");
  const flags = options.match(/--\w+/g) ?? [];
  assert.ok(flags.length >= 2);
  for (const flag of flags) assert.match(out, new RegExp(`^ {2}${flag} `, "m"));
});

test("commands of the graph say so when no daemon answers, and how to mend it", () => {
  using folder = scratch();
  const socket = join(folder.path, "none.sock");
  for (const command of [["get", "instances"], ["rollback", "1"], ["metrics"], ["link", "a.b", "c.d"]]) {
    const { code, err } = iovisor(...command, "--socket", socket);
    assert.match(err, /no daemon answers at .*none\.sock\n {2}start one with `iovisor daemon`.* \[E_NO_DAEMON\]/);
    assert.equal(code, 1);
  }
  const json = JSON.parse(iovisor("get", "devices", "--socket", socket, "-o", "json").err);
  assert.equal(json.error.code, "E_NO_DAEMON");
});

test("says when the current folder is gone", () => {
  const script = 'cd "$(mktemp -d)" && rmdir "$PWD" && exec "$0" "$1" run x.ts --attach xdp:lo';
  const { status, stderr } = spawnSync("sh", ["-c", script, process.execPath, main], {
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.match(stderr, /error: the current folder was removed\n.*\[E_USAGE\]/);
  assert.equal(status, 2);
});

test("build leaves nothing behind where it cannot write", () => {
  using folder = scratch();
  const output = join(folder.path, "x.o");
  mkdirSync(output);
  const { code, err } = iovisor("build", closedPort, "-o", output);
  assert.equal(
    err,
    `error: ${output} cannot be written: EISDIR: illegal operation on a directory\n  choose another place [E_USAGE]\n`,
  );
  assert.equal(code, 2);
  assert.deepEqual(readdirSync(folder.path), ["x.o"]);
});

test("check prints every diagnostic in tsc's format and ends with 1", () => {
  using folder = scratch();
  const file = join(folder.path, "wrong.ts");
  writeFileSync(
    file,
    `import { onPacket, Pass, type u8 } from "iovisor/kernel";
export default onPacket((packet) => {
  const small: u8 = packet.length;
  while (true) {}
  return Pass;
});
`,
  );
  const { code, out } = iovisor("check", file);
  assert.match(out, /wrong\.ts\(3,9\): error TS\d+: /);
  assert.match(out, /wrong\.ts\(4,3\): error IOV1007: .* \[.*\]/);
  assert.equal(code, 1);
  const json = JSON.parse(iovisor("check", file, "-o", "json").out);
  assert.equal(json.ok, false);
  assert.equal(json.error.diagnostics[0].line, 3);
});

test("check needs no kernel when told so", () => {
  const { code, out, err } = iovisor("check", closedPort, "--no-verifier", "-o", "json");
  assert.equal(code, 0, err);
  const { ok, programs } = JSON.parse(out);
  assert.equal(ok, true);
  assert.deepEqual(
    programs.map(({ hook }: { hook: string }) => hook),
    ["xdp", "tcx-ingress"],
  );
});

test("check lists the settings: as a table, and as a JSON Schema", () => {
  using folder = scratch();
  const file = join(folder.path, "settings.ts");
  const text = `import {
  between, cidr4, config, ipv4, list, oneOf, onPacket, Pass, prefix, rule, set, u16, u32,
} from "iovisor/kernel";
export const settings = config({
  port: u16.default(80, "port to serve"),
  limits: { burst: u32.between(1, 9).default(5, "packets at once") },
  mode: oneOf("strict", "loose").default("loose", "what happens to the rest"),
  self: ipv4.default("192.0.2.1", "own address"),
  blocked: set(prefix(cidr4), "networks that get nothing"),
  rules: list(rule({ ports: between(u16), cost: u32 }), "who may"),
});
export default onPacket((packet) => (packet.length > settings.port ? Pass : Pass));
`;
  writeFileSync(file, text);
  const lines = iovisor("check", file, "--no-verifier")
    .out.split("\n")
    .map((line) => line.trim().replace(/ {2,}/g, "|"));
  assert.deepEqual(lines.slice(lines.indexOf("setting|type|default|what it is") + 1, -1), [
    "port|u16|80|port to serve",
    "limits.burst|u32, 1..9|5|packets at once",
    "mode|strict or loose|loose|what happens to the rest",
    "self|ipv4|192.0.2.1|own address",
    "blocked|[cidr4, ...]|[]|networks that get nothing",
    'rules|[{ ports: "u16-u16", cost: u32 }, ...]|[]|who may',
  ]);
  const { settings } = JSON.parse(iovisor("check", file, "--no-verifier", "-o", "json").out);
  assert.deepEqual(settings.properties.port, {
    ...{ type: "integer", minimum: 0, maximum: 65535 },
    ...{ description: "port to serve", default: 80 },
  });
});

test("explain shows the path with its values, and the verdict of the VM", () => {
  const packet = "eth / ip 192.0.2.1 > 192.0.2.2 / tcp 4000 > 80 syn";
  const { code, out, err } = iovisor("explain", closedPort, "--packet", packet, "--set", "closedPort=80");
  assert.equal(code, 0, err);
  assert.match(out, /ethernet\.type = 2048 \(0x800\)/);
  assert.match(out, /settings\.closedPort = 80\b/);
  const lines = [...out.matchAll(/^ +(\d+) {2}/gm)].map(([, line]) => Number(line));
  assert.ok(lines.length >= 8);
  const inOrder = lines.toSorted((one, other) => one - other);
  assert.deepEqual(lines, inOrder, "each line stands where it ran, and nowhere else");
  assert.match(out, /^verdict {2}drop \(1\) in the VM, \d+ instructions$/m);
  assert.match(out, /^map {6}usage key=192\.0\.2\.1 packets=1 bytes=54$/m);
});

test("build writes HIR that runs without TypeScript, and an ELF object", () => {
  using folder = scratch();
  const hir = join(folder.path, "closed-port.hir.json");
  assert.equal(iovisor("build", closedPort, "-o", hir).code, 0);
  const packet = "eth / ip / tcp 4000 > 9999 syn";
  assert.match(iovisor("explain", hir, "--packet", packet).out, /^verdict {2}drop/m);
  const elf = join(folder.path, "closed-port.o");
  assert.equal(iovisor("build", closedPort, "-o", elf, "--hook", "xdp", "--hook", "tcx-egress").code, 0);
  assert.deepEqual([...readFileSync(elf).subarray(0, 4)], [0x7f, 0x45, 0x4c, 0x46]);
});

test("build and dump make the form with few paths where it is asked for", () => {
  using folder = scratch();
  const file = join(folder.path, "flag.ts");
  writeFileSync(
    file,
    `import { bytes, onPacket, Pass } from "iovisor/kernel";
export default onPacket((packet) => {
  const head = packet.at(0, bytes(4));
  if (!head) return Pass;
  const flag = head[0] > 3;
  if (flag) head[1] = 1;
  if (flag) head[2] = 1;
  return Pass;
});
`,
  );
  const hidden = (out: string): number => out.split("hiddenzero").length - 1;
  assert.equal(hidden(iovisor("dump", file, "--stage", "ir").out), 0);
  assert.notEqual(hidden(iovisor("dump", file, "--stage", "ir", "--few-paths").out), 0);
  const object = (...options: string[]): Buffer => {
    const output = join(folder.path, "flag.o");
    assert.equal(iovisor("build", file, "-o", output, ...options).code, 0);
    return readFileSync(output);
  };
  assert.notDeepEqual(object(), object("--few-paths"));
  const hir = join(folder.path, "flag.hir.json");
  const { code, err } = iovisor("build", file, "-o", hir, "--few-paths");
  assert.equal(code, 2);
  assert.match(err, /HIR has no form yet/);
  assert.equal(existsSync(hir), false);
});

test("dump prints every stage", () => {
  const shows = (stage: string, text: RegExp) => {
    const { code, out, err } = iovisor("dump", closedPort, "--stage", stage);
    assert.equal(code, 0, err);
    assert.match(out, text);
  };
  shows("hir", /^packet default \{/m);
  shows("ir", /^program default/m);
  shows("passes", /^; after simplify/m);
  shows("bytecode", /^; closed-port\.ts:\d+: if \(ethernet.*\n +\d+: r\d+ = \*\(u16 \*\)/m);
  shows("btf", /func default type=\d+ linkage=global/);
});

test("types writes a set-up once, and not over another one", () => {
  using folder = scratch();
  assert.equal(iovisor("types", folder.path).code, 0);
  assert.match(readFileSync(join(folder.path, "tsconfig.kernel.json"), "utf8"), /"iovisor\/kernel": \[/);
  const again = iovisor("types", folder.path);
  assert.match(again.err, /is there already[\s\S]*--force/);
  assert.equal(again.code, 1);
  assert.equal(iovisor("types", folder.path, "--force").code, 0);
  rmSync(join(folder.path, "tsconfig.json"));
  assert.match(iovisor("types", folder.path).err, /tsconfig\.kernel\.json is there already/);
  assert.ok(!existsSync(join(folder.path, "tsconfig.json")), "all of it or nothing");
});

test("types sets up tsc for a folder that has no package.json, and leaves this package's own alone", () => {
  using folder = scratch();
  assert.equal(iovisor("types", folder.path).code, 0);
  copyFileSync(closedPort, join(folder.path, "closed-port.ts"));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout, status } = spawnSync(process.execPath, [tsc, "-b", folder.path], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
  const own = iovisor("types", root, "--force");
  assert.match(own.err, /is that of IO Visor itself/);
  assert.equal(own.code, 2);
});

test("completion knows commands, options and hooks", () => {
  const bash = iovisor("completion", "bash").out;
  const script = `${bash}
complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _iovisor; printf '%s ' "\${COMPREPLY[@]}"; echo; }
complete_line iovisor exp
complete_line iovisor run --att
complete_line iovisor run --attach tcx
complete_line iovisor dump --stage by
complete_line iovisor get inst
complete_line iovisor table sw1 fdb fl`;
  const { stdout, status } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  assert.equal(status, 0);
  assert.deepEqual(stdout.trimEnd().split(/ \n/), [
    ...["explain", "--attach", "tcx-ingress: tcx-egress:", "bytecode"],
    ...["instances instance", "flush"],
  ]);
});

test("check accepts a function of a graph and says that the verifier was not asked; run and build refuse it", () => {
  using folder = scratch();
  const file = join(folder.path, "across.ts");
  writeFileSync(
    file,
    `import { fixedPorts, forward, onPacket } from "iovisor/kernel";
export const ports = fixedPorts("inside", "outside");
export default onPacket((packet) => forward(1 - packet.port));
`,
  );
  const { code, out } = iovisor("check", file);
  assert.equal(code, 0);
  assert.match(out, /^ok .*across\.ts \(the verifier was not asked: it belongs into a graph\)\n$/);
  const built = iovisor("build", file, "-o", join(folder.path, "across.o"));
  assert.equal(built.code, 2);
  assert.match(built.err, /across belongs into a graph: (forward\(\)|packet\.port), line 3/);
  assert.equal(iovisor("build", file, "-o", join(folder.path, "across.hir.json")).code, 0);
});
