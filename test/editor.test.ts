/** What an editor shows in kernel code: TypeScript's language service over the project file of `examples/`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import ts from "typescript";

const examples = join(import.meta.dirname, "../examples");
const probe = join(examples, "probe.ts");

const source = `import { Drop, onPacket, Pass } from "iovisor/kernel";
export default onPacket((packet) => {
  if (packet.length > 100) return Drop;
  return Pass;
});
`;

function editor(text: string): ts.LanguageService {
  const config = ts.readConfigFile(join(examples, "tsconfig.json"), ts.sys.readFile);
  const parsed = ts.parseJsonConfigFileContent(config.config, ts.sys, examples);
  assert.deepEqual(parsed.errors, []);
  return ts.createLanguageService({
    getCompilationSettings: () => parsed.options,
    getScriptFileNames: () => [...parsed.fileNames, probe],
    getScriptVersion: () => "1",
    getScriptSnapshot: (path) => {
      if (path === probe) return ts.ScriptSnapshot.fromString(text);
      return ts.sys.fileExists(path) ? ts.ScriptSnapshot.fromString(readFileSync(path, "utf8")) : undefined;
    },
    getCurrentDirectory: () => examples,
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    fileExists: (path) => path === probe || ts.sys.fileExists(path),
    readFile: ts.sys.readFile,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
    readDirectory: ts.sys.readDirectory,
  });
}

function completions(text: string, after: string): Set<string> {
  const position = text.indexOf(after) + after.length;
  const entries = editor(text).getCompletionsAtPosition(probe, position, {})?.entries ?? [];
  return new Set(entries.map((entry) => entry.name));
}

test("a packet function has no errors, and the packet's members complete", () => {
  assert.deepEqual(editor(source).getSemanticDiagnostics(probe), []);
  const offered = completions(source, "packet.");
  assert.ok(offered.has("length") && offered.has("at"), [...offered].join(" "));
});

test("globals of Node and of browsers are neither offered nor accepted", () => {
  const foreign = ["console", "document", "fetch", "process", "Buffer", "setTimeout", "Promise", "Math", "JSON"];
  const offered = completions(source, "=> {\n  ");
  assert.ok(offered.has("packet") && offered.has("Pass"), [...offered].join(" "));
  assert.deepEqual(
    foreign.filter((name) => offered.has(name)),
    [],
  );
  const used = editor(`export {};\n${foreign.map((name) => `${name};`).join("\n")}`).getSemanticDiagnostics(probe);
  assert.equal(used.length, foreign.length);
});
