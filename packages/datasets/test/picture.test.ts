/** Pictures of trees: what they say, that they are XML whatever the words are, and that nothing covers anything. */
import {
  DatasetOptionError,
  type LabelledTree,
  listOpsTree,
  parseTree,
  type TreePictureOptions,
  treeSvg,
} from "@ostinato/datasets";
import { Resvg } from "@resvg/resvg-js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const film = parseTree("(3 (2 The) (4 (3 good) (2 film)))");
const classes = ["0", "1", "2", "3", "4"];

/** Throws for what is no SVG. */
const sizeOf = (svg: string) => {
  const { width, height } = new Resvg(svg, { font: { loadSystemFonts: false } });
  return { width, height };
};

interface Box {
  readonly left: number;
  readonly right: number;
  readonly y: number;
  readonly fill: string;
  readonly text: string;
  readonly ink: string;
}

/** The nodes with a name. */
function pills(svg: string): Box[] {
  const tree = svg.slice(svg.indexOf("<path"));
  const pill =
    /<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"[^>]* fill="(#\w+)"[^>]*\/><text[^>]* fill="(\w+)">([^<]*)<\/text>/g;
  return [...tree.matchAll(pill)].map(([, x, y, width, fill, ink, text]) => ({
    left: Number(x),
    right: Number(x) + Number(width),
    y: Number(y),
    fill: fill ?? "",
    text: text ?? "",
    ink: ink ?? "",
  }));
}

describe("what a picture says", () => {
  test("labels, words, colours and the legend", () => {
    const svg = treeSvg(film, { classes });
    expect(
      pills(svg)
        .map(({ text }) => text)
        .sort(),
    ).toEqual(["2", "2", "3", "3", "4"]);
    for (const word of ["The", "good", "film"]) expect(svg).toContain(`>${word}</text>`);
    for (const name of classes) expect(svg).toContain(`>${name}</text>`);
    const colours = new Map(pills(svg).map(({ text, fill }) => [text, fill]));
    expect(new Set(colours.values()).size).toBe(3);
    // The middle of five is the palest.
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) =>
      Number.parseInt(colours.get("2")!.slice(at, at + 2), 16),
    );
    expect(Math.min(red, green, blue)).toBeGreaterThan(230);
    expect(svg).toContain("<title>The good film</title>");
    expect(svg).toContain("<desc>A tree of 5 nodes. The label of the root is 3. Words: The good film</desc>");
    expect(svg).not.toContain("(label)");
    sizeOf(svg);
  });

  test("predictions, and where they are not the label", () => {
    const svg = treeSvg(film, { classes, predictions: ["2", "4", null, "4", "1"], title: "A & B" });
    const texts = pills(svg).map(({ text }) => text);
    expect(texts.sort()).toEqual(["1 (3)", "2", "2", "4", "4 (3)"]);
    expect(svg.match(/stroke-width="3"/g)?.length).toBe(3);
    expect(svg).toContain(">predicted (label)</text>");
    expect(svg).toContain("<title>good, predicted 4, label 3</title>");
    expect(svg).toContain("<title>A &amp; B</title>");
    expect(svg).toContain("The prediction for the root is 1. 2 of 4 predictions agree with the label.");
    // The colour is that of the prediction.
    const fillOf = (name: string) => pills(svg).find(({ text }) => text === name)?.fill;
    expect(fillOf("4 (3)")).toBe(fillOf("4"));
  });

  test("the same classes have the same colours in every picture", () => {
    const fills = (text: string) => pills(treeSvg(parseTree(text), { classes })).map(({ fill }) => fill);
    expect(fills("(4 x)")[0]).toBe(fills("(4 (4 x) (0 y))")[0]);
    expect(fills("(4 x)")[0]).not.toBe(fills("(0 x)")[0]);
  });

  test("a text stands out from its colour: a contrast of 4.5, for any number of classes", () => {
    const luminance = (hex: string) => {
      const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
        const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    for (const count of [1, 2, 3, 5, 10, 40]) {
      const names = Array.from({ length: count }, (_, i) => String(i));
      const svg = treeSvg(parseTree(`(0 ${names.map((name) => `(${name} w)`).join(" ")})`));
      for (const { fill, ink } of pills(svg)) {
        const [first = 0, second = 0] = [luminance(fill), ink === "white" ? 1 : 0].sort((a, b) => b - a);
        expect((first + 0.05) / (second + 0.05)).toBeGreaterThanOrEqual(4.5);
      }
    }
  });

  test("nodes without a label are dots, and words within the tree are shown", () => {
    const svg = treeSvg(listOpsTree("[MAX 2 9 [MIN 4 7 ] 0 ]", { form: "lists", labels: "lists" }));
    expect(svg.match(/<circle/g)?.length).toBe(5);
    expect(pills(svg).map(({ text }) => text)).toEqual(["9", "4"]);
    for (const word of ["[MAX", "[MIN", "7"]) expect(svg).toContain(`>${word}</text>`);
    sizeOf(treeSvg(parseTree("( a )", { labels: "none" })));
  });
});

describe("words and labels of any origin", () => {
  test("escaped", () => {
    const svg = treeSvg({ words: ["<script>\"&'\0\ud800"], labels: ["</text>"], parents: [-1] }, { title: "<b>" });
    expect(svg).toContain("&lt;script&gt;&quot;&amp;&apos;\ufffd\ufffd</text>");
    expect(svg).not.toMatch(/<script|<b>|<\/text><\/text>/);
    sizeOf(svg);
  });

  test("any text makes XML", () => {
    const unit = fc.oneof(
      fc.constantFrom("&", "<", '"', "]]>", "\0", "\ud83c", "\udfac", "\uffff", "\u{10ffff}", "\u0301"),
      fc.nat(0xffff).map((code) => String.fromCharCode(code)),
    );
    const text = fc.array(unit, { maxLength: 30 }).map((units) => units.join(""));
    const texts = fc.array(text, { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(fc.tuple(texts, texts, texts, text), ([words, labels, predictions, title]) => {
        const parents = words.map((_, node) => (node === words.length - 1 ? -1 : words.length - 1));
        sizeOf(treeSvg({ words, labels, parents }, { predictions, title }));
      }),
      { numRuns: 5 },
    );
  });

  test("long ones are cut, and whole where a pointer rests", () => {
    const long = "🎬".repeat(60);
    const svg = treeSvg({ words: [long], labels: [long], parents: [-1] });
    expect(svg).toContain(`>${"🎬".repeat(23)}…</text>`);
    expect(svg).toContain(`<title>${long}, label ${long}</title>`);
    expect(sizeOf(svg).width).toBeLessThan(800);
  });
});

describe("any size", () => {
  /** A tree of words in pairs, each of which joins what stands before it. */
  const branching = (leaves: number): LabelledTree => {
    const texts = Array.from({ length: leaves }, (_, i) => `(2 word${i})`);
    while (texts.length > 1)
      for (let at = 0; at + 1 < texts.length; at++) texts.splice(at, 2, `(3 ${texts[at]} ${texts[at + 1]})`);
    return parseTree(texts[0]!);
  };

  test("100 words: nothing covers anything", () => {
    const svg = treeSvg(branching(100), { maxLevels: 200 });
    const boxes = pills(svg);
    expect(boxes.length).toBe(199);
    boxes.sort((a, b) => a.y - b.y || a.left - b.left);
    for (const [at, { y, left }] of boxes.entries())
      if (boxes[at - 1]?.y === y) expect(left).toBeGreaterThan(boxes[at - 1]!.right);
    const words = [...svg.matchAll(/<text x="([\d.]+)"[^>]*>word(\d+)</g)].map(([, x, word]) => [
      Number(x),
      Number(word),
    ]);
    // From left to right as they stand in the text, as far apart as they are wide.
    words.sort(([a = 0], [b = 0]) => a - b);
    expect(words.map(([, word]) => word)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    for (const [at, [x = 0]] of words.entries()) if (at > 0) expect(x - words[at - 1]![0]!).toBeGreaterThan(50);
    const { width, height } = sizeOf(svg);
    expect(width).toBeLessThan(8000);
    expect(height).toBeLessThan(700);
    expect(svg.length).toBeLessThan(100_000);
  });

  test("what is too deep or too much is counted", () => {
    const depth = 20_000;
    const deep = parseTree(`${"(1 ".repeat(depth)}x${")".repeat(depth)}`);
    const svg = treeSvg(deep);
    expect(svg).toContain(`>… ${depth - 40} more</text>`);
    expect(sizeOf(svg).height).toBeLessThan(2000);
    const wide = treeSvg(parseTree(`(1${" (2 x)".repeat(depth)})`), { maxNodes: 50 });
    expect(wide).toContain(`>… ${depth - 49} more</text>`);
    expect(pills(wide).length).toBe(50);
    const one = treeSvg(film, { maxNodes: 1 });
    expect(one).toContain(">… 4 more</text>");
    expect(treeSvg(film, { maxLevels: 2 })).toContain(">… 2 more</text>");
  });
});

const wrong = (options: object | null) => options as TreePictureOptions;
test.each<[TreePictureOptions, RegExp]>([
  [{ predictions: ["3"] }, /predictions must have an entry for each of the 5 nodes, got 1/],
  [wrong({ predictions: [1, 2, 3, 4, 5] }), /predictions must be a list with a text such as "3", or null, .*, got 1$/],
  [wrong({ predictions: "22223" }), /predictions must be a list with a text such as "3", .*, got "22223"$/],
  [wrong({ predictions: null }), /predictions must be a list with a text such as "3", .*, got null$/],
  [wrong({ classes: "012" }), /classes must be a list of texts such as "3", got "012"$/],
  [wrong({ classes: [0, 1, 2] }), /classes must be a list of texts such as "3", got 0$/],
  [wrong({ title: 5 }), /title must be a text, got 5$/],
  [wrong(null), /options must be an object with options of treeSvg, or be left out, got null/],
  [{ maxNodes: 0 }, /maxNodes must be a whole number from 1 to 100000/],
  [{ maxLevels: 1.5 }, /maxLevels must be a whole number from 1 to 100000/],
  [{ colours: [] } as TreePictureOptions, /colours must be left out/],
])("%j is refused", (options, message) => {
  expect(() => treeSvg(film, options)).toThrow(DatasetOptionError);
  expect(() => treeSvg(film, options)).toThrow(message);
});
