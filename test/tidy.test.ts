/**
 * The house rules (STYLE.md) as a test: each is held against the project, and against a made-up violation, so that a
 * rule which sees nothing any more is noticed.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withDiagnostics } from "../scripts/errors-page.ts";
import { diagnosticCodes } from "../src/compiler/diagnostics.ts";
import { errorCodes } from "../src/errors.ts";
import * as code from "./tidy/code.ts";
import { deadFiles } from "./tidy/dead-files.ts";
import * as docs from "./tidy/docs.ts";
import * as layers from "./tidy/layers.ts";
import { made, type Project, readProject } from "./tidy/project.ts";
import * as words from "./tidy/words.ts";

interface Rule {
  readonly name: string;
  readonly check: (project: Project) => readonly string[];
  /** Made-up projects that break the rule, each once. */
  readonly broken: readonly Record<string, string>[];
  /** A made-up project that comes close and keeps the rule. */
  readonly kept: Record<string, string>;
}

const wide = "x ".repeat(61);

const rules: readonly Rule[] = [
  {
    name: "imports go down the layers only",
    check: layers.layerViolations,
    broken: [
      { "src/compiler/a.ts": `import { x } from "../kernel/b.ts";` },
      { "src/bytecode/a.ts": `import type { x } from "../vm/b.ts";` },
      { "src/vm/a.ts": `const x = await import("../engine/b.ts");` },
      { "src/elsewhere/a.ts": "export {};" },
    ],
    kept: { "src/engine/a.ts": `import "../kernel/b.ts";`, "src/compiler/a.test.ts": `import "../kernel/b.ts";` },
  },
  {
    name: "restricted packages stay in their place, and src imports nothing from outside of src",
    check: layers.packageViolations,
    broken: [
      { "src/compiler/passes/a.ts": `import ts from "typescript";` },
      { "src/kernel/maps/a.ts": `import koffi from "koffi";` },
      { "src/vm/a.ts": `import "../../test/x.ts";` },
      { "src/cli/run/a.ts": `import "../../../examples/x.ts";` },
      { "src/cli/demo/a.ts": `import "../../../bench/x.ts";` },
    ],
    kept: {
      "src/compiler/frontend/a.ts": `import ts from "typescript";`,
      "src/cli/demo/a.ts": `import type { X } from "../../../examples/x.ts";`,
    },
  },
  {
    name: "package.json names what is imported, and nothing else",
    check: layers.dependencyViolations,
    broken: [
      { "package.json": "{}", "src/a.ts": `import "@scope/left/pad";` },
      { "package.json": `{"dependencies":{"left":"1.0.0"}}`, "src/a.ts": "export {};" },
    ],
    kept: { "package.json": `{"dependencies":{"left":"1.0.0"}}`, "src/a.ts": `import "left/pad"; import "node:fs";` },
  },
  {
    name: "ARCHITECTURE.md says what each dependency is for",
    check: layers.unexplainedDependencies,
    broken: [{ "package.json": `{"dependencies":{"left":"1.0.0"}}`, "ARCHITECTURE.md": "nothing is left" }],
    kept: { "package.json": `{"dependencies":{"left":"1.0.0"}}`, "ARCHITECTURE.md": "- `left`: it pads." },
  },
  {
    name: "the lock file is whole and names no host",
    check: layers.lockViolations,
    broken: [
      { "package-lock.json": `{"packages":{"":{"optionalDependencies":{"a":"1.0.0"}}}}` },
      { "package-lock.json": `{"packages":{"node_modules/a":{"resolved":"https://example.org/a.tgz"}}}` },
    ],
    kept: { "package-lock.json": `{"packages":{"":{"dependencies":{"a":"1.0.0"}},"node_modules/a":{}}}` },
  },
  {
    name: "files have 500 lines or fewer",
    check: code.longFiles,
    broken: [{ "src/a.ts": "\n".repeat(501) }],
    kept: { "src/a.ts": "\n".repeat(500) },
  },
  {
    name: "functions have 70 lines or fewer",
    check: code.longFunctions,
    broken: [
      { "src/a.ts": `function f() {${"\n".repeat(70)}}` },
      { "src/a.ts": `const f = () => {${"\n".repeat(70)}};` },
      { "src/a.ts": `class A { m() {${"\n".repeat(70)}} }` },
    ],
    kept: { "src/a.ts": `function f() {${"\n".repeat(69)}}; describe("x", () => {${"\n".repeat(99)}});` },
  },
  {
    name: "lines have 120 columns or fewer",
    check: code.wideLines,
    broken: [{ "src/a.ts": wide }, { "docs/a.md": wide }],
    kept: { "docs/a.md": `| ${wide}\n- https://example.org/${"x".repeat(120)}` },
  },
  {
    name: "nothing is marked as unfinished",
    check: code.unfinishedMarks,
    broken: [{ "src/a.ts": `// ${"TO" + "DO"}: later` }, { "docs/a.md": "FIX" + "ME" }],
    kept: { "src/a.ts": "const todos = [];" },
  },
  {
    name: "no test is singled out or skipped without a reason",
    check: code.switchedOffTests,
    broken: [{ "src/a.test.ts": `it.${"only"}("x");` }, { "src/a.test.ts": `test("x", { skip${":"} true }, f);` }],
    kept: { "src/a.test.ts": `test("x", { skip: needsRoot }, f);` },
  },
  {
    name: "no path of a machine and no registry host",
    check: words.machinePathLines,
    broken: [{ "src/a.ts": `const a = "/${"home"}/me/x";` }, { ".npmrc": `registry=https://registry.${"npmjs"}.org/` }],
    kept: { "src/a.ts": "// src/work/x and ~/home/x" },
  },
  {
    name: "the text speaks of the product, not of its making",
    check: words.makerLines,
    broken: [{ "docs/a.md": `Written by ${"A" + "I"}.` }, { "docs/a.md": `See ${"issue"} 12.` }],
    kept: { "docs/a.md": "A helper function keeps the sessions of a NAT; the detail is in the mail AIR sent." },
  },
  {
    name: "links in documents lead somewhere",
    check: docs.deadLinks,
    broken: [{ "docs/a.md": "[b](b.md)" }, { "docs/a.md": "[b](b.md#c)", "docs/b.md": "# d" }],
    kept: { "docs/a.md": "[b](../b.md#two-words) [w](https://example.org/)", "b.md": "## Two words" },
  },
  {
    name: "paths that documents name exist",
    check: docs.deadPaths,
    broken: [{ "README.md": "see `src/a.ts`" }, { "README.md": "    ./iovisor check examples/b.ts" }],
    kept: { "README.md": "`src/functions/<name>/kernel.ts`, `src/c.ts`.", "src/c.ts": "" },
  },
  {
    name: "npm scripts that documents name exist",
    check: docs.deadScripts,
    broken: [{ "README.md": "`npm run nothing`", "package.json": "{}" }],
    kept: { "README.md": "`npm run x`", "package.json": `{"scripts":{"x":""}}` },
  },
  {
    name: "what the npm scripts run exists",
    check: docs.deadScriptFiles,
    broken: [{ "package.json": `{"scripts":{"a":"sh b.sh c/d.ts"}}`, "b.sh": "" }],
    kept: { "package.json": `{"scripts":{"a":"sh b.sh c/d.ts"}}`, "b.sh": "", "c/d.ts": "" },
  },
  {
    name: "every file of src is reached from an entry point or a test",
    check: deadFiles,
    broken: [
      { "src/a.ts": "" },
      { "src/a.ts": `import "./b.ts";`, "src/b.ts": `import "./a.ts";` },
      {
        "src/cli/main.ts": `import "../functions/table.ts";`,
        "src/functions/table.ts": "",
        "src/functions/a/host.ts": "",
      },
    ],
    kept: {
      "src/cli/main.ts": `const url = ${"new"} URL("../a.ts", import.meta.url);`,
      "src/a.ts": `import "./b.ts"; import "./functions/table.ts";`,
      "src/b.ts": "",
      "src/functions/table.ts": `const a = ${"new"} URL("./a/", import.meta.url);`,
      "src/functions/a/host.ts": "",
    },
  },
];

describe("house rules", () => {
  const project = readProject();
  for (const rule of rules) {
    it(rule.name, () => {
      const violations = rule.check(project);
      assert.ok(violations.length === 0, `\n${violations.join("\n")}`);
    });
    it(`a violation is seen: ${rule.name}`, () => {
      for (const files of rule.broken) {
        assert.notDeepEqual(rule.check(made(files)), [], JSON.stringify(files));
      }
      assert.deepEqual(rule.check(made(rule.kept)), []);
    });
  }
});

describe("docs/errors.md", () => {
  it("describes every code, and no other", async () => {
    const codes = [...Object.keys(errorCodes), ...diagnosticCodes.map((row) => row.code)];
    const mismatches = docs.codeMismatches(codes, readProject().get("docs/errors.md") ?? "");
    assert.ok(mismatches.length === 0, `\n${mismatches.join("\n")}`);
  });

  it("says of each diagnostic what the compiler's table says (scripts/errors-page.ts brings it up to date)", () => {
    const page = readProject().get("docs/errors.md") ?? "";
    assert.equal(page, withDiagnostics(page, diagnosticCodes));
  });

  it("examples stay when the table's words change", () => {
    const page =
      "# Errors\n\n## IOV1\n\nOld.\n\n```ts\nx;\n\ny;\n```\n\nWhat to do: nothing.\n\n## IOV9\n\nGone.\n\nNothing.\n";
    const rows = [{ code: "IOV1", meaning: "New.", remedy: "Write it." }];
    const expected = "# Errors\n\n## IOV1\n\nNew.\n\n```ts\nx;\n\ny;\n```\n\nWhat to do: write it.\n";
    assert.equal(withDiagnostics(page, rows), expected);
  });

  it("a missing code and a stale one are seen", () => {
    assert.deepEqual(docs.codeMismatches(["E_A"], "### E_A\n"), []);
    assert.equal(docs.codeMismatches(["E_A", "E_B"], "### E_A\n").length, 1);
    assert.equal(docs.codeMismatches(["E_A"], "### E_A\n\n### `IOV1001`\n").length, 1);
    assert.equal(docs.codeMismatches([], "| code | meaning |\n| --- | --- |\n| `IOV1001` | a meaning |\n").length, 1);
  });
});
