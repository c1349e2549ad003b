import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { it } from "node:test";
import { messages } from "../diagnostics.ts";
import { verifyModule } from "../hir/index.ts";
import { compileText } from "./testing.ts";

const examples = new URL("../../../examples/", import.meta.url);
const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const rounds = 120;

/** Numbers below a limit, the same for the same seed (a linear congruence, as in ISO C's rand). */
function generator(start: number): (limit: number) => number {
  let state = start;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 2 ** 31) * limit);
  };
}

function classOf(token: string): string {
  if (/^\d/.test(token)) return "number";
  if (/^\w/.test(token)) return "word";
  return /^\s/.test(token) ? "space" : "sign";
}

/** A source with a few tokens lost, doubled, or replaced by others of their kind. */
function damaged(text: string, random: (limit: number) => number): string {
  const tokens = text.match(/\w+|\s+|[^\s\w]/g) ?? [];
  for (let count = 1 + random(3); count > 0; count--) {
    const at = random(tokens.length);
    const same = tokens.filter((one) => classOf(one) === classOf(tokens[at]!));
    const change = random(4);
    if (change === 0) tokens.splice(at, 1);
    else if (change === 1) tokens.splice(at, 0, tokens[random(tokens.length)]!);
    else tokens[at] = same[random(same.length)]!;
  }
  return tokens.join("");
}

it(`damaged sources give diagnostics or well-formed HIR (SEED=${seed})`, () => {
  const random = generator(seed);
  const sources = readdirSync(examples)
    .filter((name) => /^[\w-]+\.ts$/.test(name))
    .map((name) => readFileSync(new URL(name, examples), "utf8"));
  for (let round = 0; round < rounds; round++) {
    const source = damaged(sources[random(sources.length)]!, random);
    const { module, diagnostics } = compileText(source);
    assert.equal(module === undefined, diagnostics.length > 0, source);
    const internal = diagnostics.find((one) => one.code === messages.internal.code);
    assert.equal(internal, undefined, `${internal?.message}\n${source}`);
    if (module) assert.deepEqual(verifyModule(module), [], source);
  }
});
