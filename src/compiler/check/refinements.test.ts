import * as b from "../hir/build.ts";
import { numberType, optionalType } from "../hir/types.ts";
import { type Case, header, length, popVlan, runCases, setting, u8, withValue, withView } from "./testing.ts";

/** As long as struct bpf_fib_lookup. */
const question = b.struct("Question", { word: b.integer(32), rest: { kind: "bytes", length: 60 } });

const tag = (operation = "packet.vlanTag") => b.operation(operation, [], optionalType(numberType));

const refinements: readonly Case[] = [
  [
    "a comparison with a constant",
    undefined,
    (l) => {
      const [letN, n] = l.let("n", length());
      return [letN, b.when(b.compare("lessEqual", l.use(n), b.number(255)), [l.let("x", l.use(n), "u8")[0]])];
    },
  ],
  [
    "the wrong side of a comparison",
    "IOV4002",
    (l) => {
      const [letN, n] = l.let("n", length());
      return [letN, b.when(b.compare("lessEqual", l.use(n), b.number(255)), [], [l.let("x", l.use(n), "u8")[0]])];
    },
  ],
  [
    "a return on the other side",
    undefined,
    (l) => {
      const [letN, n] = l.let("n", length());
      return [
        letN,
        b.when(b.compare("greater", l.use(n), b.number(255)), [b.giveBack(b.drop())]),
        l.let("x", l.use(n), "u8")[0],
      ];
    },
  ],
  [
    "both sides of &&",
    undefined,
    (l) => {
      const [letN, n] = l.let("n", b.binary("subtract", length(), b.number(100)));
      const inside = b.both(
        b.compare("greaterEqual", l.use(n), b.number(0)),
        b.compare("less", l.use(n), b.number(256)),
      );
      return [letN, b.when(inside, [l.let("x", l.use(n), "u8")[0]])];
    },
  ],
  [
    "|| on the way out",
    undefined,
    (l) => {
      const [letN, n] = l.let("n", b.binary("subtract", length(), b.number(100)));
      const outside = b.oneOf(
        b.compare("less", l.use(n), b.number(0)),
        b.not(b.compare("less", l.use(n), b.number(256))),
      );
      return [letN, b.when(outside, [b.giveBack(b.drop())]), l.let("x", l.use(n), "u8")[0]];
    },
  ],
  [
    "a sum that is compared",
    undefined,
    (l) => {
      const [letN, n] = l.let("n", length());
      return [
        letN,
        b.when(b.compare("lessEqual", b.add(l.use(n), b.number(45)), b.number(300)), [l.let("x", l.use(n), "u8")[0]]),
      ];
    },
  ],
  [
    "two variables that are compared",
    undefined,
    (l) => {
      const [letN, n] = l.let("n", length());
      const [letM, m] = l.let("m", u8(length()));
      return [letN, letM, b.when(b.compare("less", l.use(n), l.use(m)), [l.let("x", l.use(n), "u8")[0]])];
    },
  ],
  [
    "a variable that is assigned after the comparison",
    "IOV4002",
    (l) => {
      const [letN, n] = l.let("n", length());
      return [
        letN,
        b.when(b.compare("less", l.use(n), b.number(9)), [b.assign(n, length()), l.let("x", l.use(n), "u8")[0]]),
      ];
    },
  ],
  [
    "a comparison whose right side assigns the variable",
    "IOV4002",
    (l) => {
      const [letN, n] = l.let("n", length());
      const right = b.sequence([b.assign(n, length())], b.number(9));
      return [letN, b.when(b.compare("less", l.use(n), right), [l.let("x", l.use(n), "u8")[0]])];
    },
  ],
  [
    "the packet's length, asked twice",
    undefined,
    (l) => [b.when(b.compare("less", length(), b.number(256)), [l.let("x", length(), "u8")[0]])],
  ],
  [
    "the packet's length after a change",
    "IOV4002",
    (l) => [b.when(b.compare("less", length(), b.number(256)), [popVlan(), l.let("x", length(), "u8")[0]])],
  ],
  [
    "local storage that is read twice",
    undefined,
    (l) => {
      const [letIt, lookup] = l.let("lookup", b.newStruct(question, []));
      const word = b.load(b.field(l.use(lookup), "word"));
      return [letIt, b.when(b.compare("less", word, b.number(9)), [l.let("x", word, "u8")[0]])];
    },
  ],
  [
    "local storage that an operation may have written meanwhile",
    "IOV4002",
    (l) => {
      const [letIt, lookup] = l.let("lookup", b.newStruct(question, []));
      const word = b.load(b.field(l.use(lookup), "word"));
      const ask = b.operation("packet.fibLookup", [l.use(lookup)], numberType, { constants: [0] });
      return [letIt, b.when(b.compare("less", word, b.number(9)), [b.evaluate(ask), l.let("x", word, "u8")[0]])];
    },
  ],
  [
    "a field that is read twice",
    undefined,
    (l) =>
      withView(l, (view) => [
        b.when(b.compare("less", b.load(b.field(view, "word")), b.number(9)), [
          l.let("x", b.load(b.field(view, "word")), "u8")[0],
        ]),
      ]),
  ],
  [
    "a field that is read again after a store",
    "IOV4002",
    (l) =>
      withView(l, (view) => [
        b.when(b.compare("less", b.load(b.field(view, "word")), b.number(9)), [
          b.store(b.field(view, "word"), length()),
          l.let("x", b.load(b.field(view, "word")), "u8")[0],
        ]),
      ]),
  ],
  [
    "a map's value that is read twice",
    "IOV4002",
    (l) =>
      withValue(l, 0, (value) => [
        b.when(b.compare("less", b.load(b.field(value, "word")), b.number(9)), [
          l.let("x", b.load(b.field(value, "word")), "u8")[0],
        ]),
      ]),
  ],
  [
    "a switch over single values",
    undefined,
    (l) => {
      const [letN, n] = l.let("n", length());
      return [letN, b.choose(1, l.use(n), [{ values: [3n, 7n], body: [l.let("x", l.use(n), "u8")[0]] }])];
    },
  ],
  [
    "the other values of a switch",
    "IOV4002",
    (l) => {
      const [letN, n] = l.let("n", length());
      return [letN, b.choose(1, l.use(n), [{ values: [3n], body: [] }], [l.let("x", l.use(n), "u8")[0]])];
    },
  ],
  [
    "an optional that equals a constant",
    undefined,
    (l) => {
      const [letView, view] = l.let("view", b.packetAt(b.number(0), header));
      const word = b.conditional(
        b.present(l.use(view)),
        b.some(b.load(b.field(b.unwrap(l.use(view)), "word"))),
        b.none(numberType),
      );
      return [
        letView,
        b.when(b.compare("notEqual", word, b.some(b.number(6))), [b.giveBack(b.drop())]),
        b.evaluate(b.unwrap(l.use(view))),
      ];
    },
  ],
  [
    "the tag beside the packet",
    undefined,
    () => [b.when(b.present(tag()), [b.evaluate(b.unwrap(tag())), b.evaluate(b.unwrap(tag()))])],
  ],
  [
    "the tag beside the packet where it is absent",
    "IOV4009",
    () => [b.when(b.present(tag()), [], [b.evaluate(b.unwrap(tag()))])],
  ],
  [
    "one of two things beside the packet",
    "IOV4009",
    () => [b.when(b.present(tag("packet.vlanProtocol")), [b.evaluate(b.unwrap(tag()))])],
  ],
  [
    "the tag beside the packet after it was taken off",
    "IOV4009",
    () => [b.when(b.present(tag()), [popVlan(), b.evaluate(b.unwrap(tag()))])],
  ],
  [
    "the tag beside the packet after a round that takes it off",
    "IOV4009",
    (l) => {
      const rounds = b.loop(l.declare("i", numberType), b.number(0), b.number(3), [
        b.evaluate(b.unwrap(tag())),
        popVlan(),
      ]);
      return [b.when(b.present(tag()), [rounds])];
    },
  ],
  [
    "the tag beside the packet after bytes were written",
    undefined,
    (l) =>
      withView(l, (view) => [
        b.when(b.present(tag()), [b.store(b.field(view, "small"), b.number(1)), b.evaluate(b.unwrap(tag()))]),
      ]),
  ],
  [
    "an optional that does not equal a constant",
    "IOV4009",
    (l) => {
      const [letView, view] = l.let("view", b.packetAt(b.number(0), header));
      const word = b.conditional(
        b.present(l.use(view)),
        b.some(b.load(b.field(b.unwrap(l.use(view)), "word"))),
        b.none(numberType),
      );
      return [
        letView,
        b.when(b.compare("equal", word, b.some(b.number(6))), [b.giveBack(b.drop())]),
        b.evaluate(b.unwrap(l.use(view))),
      ];
    },
  ],
  [
    "a setting's declared range",
    undefined,
    (l) => [l.let("x", b.setting(["limit"]), "u8")[0]],
    { settings: [setting("limit", { kind: "integer", name: "u32", maximum: 200n }, 5n)] },
  ],
  [
    "a setting that was tested",
    undefined,
    (l) => [b.when(b.compare("less", b.setting(["limit"]), b.number(9)), [l.let("x", b.setting(["limit"]), "u8")[0]])],
    { settings: [setting("limit", { kind: "integer", name: "u32" }, 5n)] },
  ],
  [
    "a setting's width",
    "IOV4002",
    (l) => [l.let("x", b.setting(["limit"]), "u8")[0]],
    { settings: [setting("limit", { kind: "integer", name: "u32" }, 5n)] },
  ],
  [
    "a test that is kept in a variable",
    undefined,
    (l) => {
      const [letView, view] = l.let("view", b.packetAt(b.number(0), header));
      const [letFits, fits] = l.let("fits", b.both(b.present(l.use(view)), b.compare("less", length(), b.number(99))));
      return [
        letView,
        letFits,
        b.evaluate(length()),
        b.when(b.not(l.use(fits)), [b.giveBack(b.drop())]),
        b.evaluate(b.unwrap(l.use(view))),
      ];
    },
  ],
  [
    "the other side of a test that is kept",
    "IOV4009",
    (l) => {
      const [letView, view] = l.let("view", b.packetAt(b.number(0), header));
      const [letFits, fits] = l.let("fits", b.present(l.use(view)));
      return [letView, letFits, b.when(l.use(fits), [b.giveBack(b.drop())]), b.evaluate(b.unwrap(l.use(view)))];
    },
  ],
  [
    "a kept test of a variable that is assigned since",
    "IOV4002",
    (l) => {
      const [letN, n] = l.let("n", length());
      const [letFits, fits] = l.let("fits", b.compare("less", l.use(n), b.number(9)));
      return [letN, letFits, b.assign(n, length()), b.when(l.use(fits), [l.let("x", l.use(n), "u8")[0]])];
    },
  ],
  [
    "a kept test behind another look at it",
    undefined,
    (l) => {
      const [letView, view] = l.let("view", b.packetAt(b.number(0), header));
      const [letFits, fits] = l.let("fits", b.present(l.use(view)));
      return [
        letView,
        letFits,
        b.when(l.use(fits), [b.evaluate(length())]),
        b.when(l.use(fits), [b.evaluate(b.unwrap(l.use(view)))]),
      ];
    },
  ],
  [
    "a kept test that cannot have come out otherwise",
    undefined,
    (l) => {
      const [letView, view] = l.let("view", b.packetAt(b.number(0), header));
      const [letFits, fits] = l.let("fits", b.not(b.present(l.use(view))));
      return [
        letView,
        letFits,
        b.when(b.not(b.present(l.use(view))), [b.giveBack(b.drop())]),
        l.let("again", l.use(fits))[0],
        b.evaluate(b.unwrap(l.use(view))),
      ];
    },
  ],
  [
    "an optional that is there where another one is",
    undefined,
    (l) => {
      const [letView, view] = l.let("view", b.packetAt(b.number(0), header));
      const word = b.load(b.field(b.unwrap(l.use(view)), "word"));
      const [letWord, kept] = l.let("word", b.conditional(b.present(l.use(view)), b.some(word), b.none(numberType)));
      const equal = b.compare("equal", l.use(kept), b.some(b.number(5)));
      return [letView, letWord, b.when(equal, [b.evaluate(b.unwrap(l.use(view)))])];
    },
  ],
  [
    "an optional of a kept test, which is there where that is false, too",
    "IOV4009",
    (l) => {
      const [letView, view] = l.let("view", b.packetAt(b.number(0), header));
      const [letFits, fits] = l.let("fits", b.present(l.use(view)));
      const [letKept, kept] = l.let("kept", b.some(l.use(fits)));
      return [letView, letFits, letKept, b.when(b.present(l.use(kept)), [b.evaluate(b.unwrap(l.use(view)))])];
    },
  ],
  [
    "an optional that says nothing any more about one that is assigned since",
    "IOV4009",
    (l) => {
      const [letView, view] = l.let("view", b.packetAt(b.number(0), header));
      const word = b.load(b.field(b.unwrap(l.use(view)), "word"));
      const [letWord, kept] = l.let("word", b.conditional(b.present(l.use(view)), b.some(word), b.none(numberType)));
      const unwrapped = b.evaluate(b.unwrap(l.use(view)));
      return [
        letView,
        letWord,
        b.assign(view, b.packetAt(b.number(9), header)),
        b.when(b.present(l.use(kept)), [unwrapped]),
      ];
    },
  ],
  [
    "a kept test of a variable that is not assigned since",
    undefined,
    (l) => {
      const [letN, n] = l.let("n", length());
      const [letFits, fits] = l.let("fits", b.compare("less", l.use(n), b.number(9)));
      return [letN, letFits, b.when(l.use(fits), [l.let("x", l.use(n), "u8")[0]])];
    },
  ],
];

runCases("refinements", refinements);
