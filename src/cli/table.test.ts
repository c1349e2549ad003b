import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTable, wrapText } from "./table.ts";

const columns = [{ title: "name" }, { title: "type", wrap: true }, { title: "what", wrap: true }];
const lines = (text: string): readonly string[] => text.split("\n");

test("a table that has room is not wrapped", () => {
  assert.equal(formatTable(columns, [["a", "one two", "three"]], 40), "name  type     what\na     one two  three");
});

test("what is too wide goes on in further lines, and nothing of it is lost", () => {
  const type = "[{ source: cidr4, destination: cidr4, protocol: u8, sourcePort: u16-u16 }, ...]";
  const what = "the first rule that matches decides what becomes of the packet";
  const text = formatTable(
    columns,
    [
      ["rules", type, what],
      ["x", "u8", ""],
    ],
    60,
  );
  assert.ok(
    lines(text).every((line) => line.length <= 60),
    text,
  );
  const cells = lines(text)
    .slice(1, -1)
    .map((line) => [line.slice(7, 7 + 26), line.slice(7 + 26)]);
  const whole = (index: 0 | 1): string =>
    cells
      .map((cell) => cell[index]!.trim())
      .join(" ")
      .trim();
  assert.match(text, /^rules {2}\[\{ source/m);
  for (const word of [...type.split(" "), ...what.split(" ")])
    assert.ok(`${whole(0)} ${whole(1)}`.includes(word), word);
  assert.match(text, /\nx {6}u8$/);
});

test("columns that do not wrap keep their width", () => {
  const text = formatTable([{ title: "name" }, { title: "type", wrap: true }], [["n".repeat(30), "t ".repeat(30)]], 20);
  assert.ok(text.includes("n".repeat(30)));
});

test("words that are wider than a line are broken", () => {
  assert.deepEqual(wrapText("ab abcdefgh c", 4), ["ab", "abcd", "efgh", "c"]);
  assert.deepEqual(wrapText("", 4), [""]);
});
