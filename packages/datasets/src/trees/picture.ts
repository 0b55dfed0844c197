/** A picture of a tree as SVG: its words, and the label and the prediction of each node. */
import { rgb } from "d3-color";
import { interpolateRdBu } from "d3-scale-chromatic";
import { DatasetOptionError, refuseUnknown } from "../errors.ts";
import { type DrawnNode, drawnNodes, type Layout, layoutOf } from "./layout.ts";
import { isTextOrNull, type LabelledTree, treeWords } from "./tree.ts";

/** Options of `treeSvg`. */
export interface TreePictureOptions {
  /** The predicted label of each node; null for none. */
  readonly predictions?: readonly (string | null)[];
  /** All labels in order: the first is red, the last blue, and those between are paler. Give it if several pictures are to have the same colours. Default: the labels of this tree, numbers by value and then words. */
  readonly classes?: readonly string[];
  /** The text above the tree. Default: none, and for screen readers the words of the tree. */
  readonly title?: string;
  /** The most nodes to draw, those nearest to the root; the others are counted. Default 1,000. */
  readonly maxNodes?: number;
  /** The most levels to draw; nodes further down are counted. Default 40. */
  readonly maxLevels?: number;
}

/**
 * A picture of a tree as the text of an SVG file. Words are below the nodes. Each node has the name and the colour of its prediction, or of its label if there is none. Where prediction and label differ, the border is thick and the label
 * follows in brackets. Screen readers get a title, a description, and the text of each node.
 *
 * Words and labels may come from anywhere: they are escaped, and cut if they are long. A tree may have any size: nodes beyond `maxNodes` and `maxLevels` are left out, and their number is shown in their place.
 *
 * Throws `DatasetOptionError` for a value that is not a tree, predictions that are not one for each node, and options that cannot work.
 *
 * @example
 * await writeFile("film.svg", treeSvg(tree, { predictions: ["2", "3", "3"], classes: ["0", "1", "2", "3", "4"] }));
 */
export function treeSvg(tree: LabelledTree, options: TreePictureOptions = {}): string {
  refuseUnknown("treeSvg", options, {
    predictions: true,
    classes: true,
    title: true,
    maxNodes: true,
    maxLevels: true,
  } satisfies Record<keyof TreePictureOptions, true>);
  const { predictions, maxNodes = 1000, maxLevels = 40 } = options;
  expectTexts(options);
  const title = cut(options.title ?? "", 120);
  for (const [name, most] of Object.entries({ maxNodes, maxLevels }))
    if (!(Number.isSafeInteger(most) && most >= 1 && most <= 100_000))
      throw new DatasetOptionError(name, "be a whole number from 1 to 100000", most);
  const drawn = drawnNodes(tree, { maxNodes, maxLevels });
  if (predictions !== undefined && predictions.length !== tree.words.length)
    throw new DatasetOptionError(
      "predictions",
      `have an entry for each of the ${tree.words.length} nodes`,
      predictions.length,
    );
  const classes = options.classes ?? classesOf([...tree.labels, ...(predictions ?? [])]);
  const colours = new Map(classes.map((name, index) => [name, colourAt(index, classes.length)]));
  const marks = drawn.map((each) => markOf(each, tree, predictions));
  const layout = layoutOf(
    drawn,
    marks.map(({ width }) => width + gap),
  );
  const legend = legendOf(
    classes,
    colours,
    marks.some(({ isWrong }) => isWrong),
  );
  const top = margin + (title === "" ? 0 : titleHeight) + (legend.text === "" ? 0 : legendHeight);
  const hasInnerWords = marks.some(({ word }, index) => word !== "" && layout.heights[index]! > 0);
  const place = placesOf(layout, top, hasInnerWords ? tallRow : row);
  const width = Math.ceil(Math.max(layout.width, legend.width, textWidth(title) * titleSize) + 2 * margin);
  const height = place.bottom + margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="PT Sans, system-ui, sans-serif" font-size="${fontSize}" text-anchor="middle">`,
    `<title>${escaped(title === "" ? cut(treeWords(tree).join(" "), 200) || "A tree" : title)}</title>`,
    `<desc>${escaped(described(tree, predictions))}</desc>`,
    `<rect width="100%" height="100%" fill="white"/>`,
    ...(title === ""
      ? []
      : [
          `<text x="${margin}" y="${margin + titleSize}" text-anchor="start" font-size="${titleSize}" font-weight="bold" fill="${ink}">${escaped(title)}</text>`,
        ]),
    ...(legend.text === ""
      ? []
      : [`<g transform="translate(${margin} ${top - legendHeight})" text-anchor="start">${legend.text}</g>`]),
    `<path fill="none" stroke="#888" d="${edges(drawn, marks, place)}"/>`,
    ...marks.map((mark, index) => drawnMark(mark, place.x(index), place.y(index), colours)),
    "</svg>\n",
  ].join("\n");
}

/** Throws `DatasetOptionError` for a title, a prediction or a class that is not a text: numbers would have no colour. */
function expectTexts({ title, predictions, classes }: TreePictureOptions): void {
  if (title !== undefined && typeof title !== "string") throw new DatasetOptionError("title", "be a text", title);
  if (predictions !== undefined) {
    const rule = 'be a list with a text such as "3", or null, for each node';
    if (!Array.isArray(predictions)) throw new DatasetOptionError("predictions", rule, predictions);
    for (const each of predictions) if (!isTextOrNull(each)) throw new DatasetOptionError("predictions", rule, each);
  }
  if (classes !== undefined) {
    const rule = 'be a list of texts such as "3"';
    if (!Array.isArray(classes)) throw new DatasetOptionError("classes", rule, classes);
    for (const each of classes) if (typeof each !== "string") throw new DatasetOptionError("classes", rule, each);
  }
}

const ink = "#222";
const fontSize = 14;
const titleSize = 17;
/** Between nodes side by side, and around the picture. */
const gap = 12;
const margin = 16;
const titleHeight = 30;
const legendHeight = 34;
/** From one level to the next, also where words stand between them. */
const row = 44;
const tallRow = 60;
const pillHeight = 22;
const wordHeight = 20;
/** How long a word or a label is shown. */
const longestWord = 24;
const longestLabel = 14;
/** With more classes colours say no more than names. */
const mostInLegend = 12;

/** What is drawn for a node. */
interface Mark {
  /** Within the node: what is predicted, or its label. Empty for none. */
  readonly text: string;
  /** Below it. */
  readonly word: string;
  /** The class whose colour it has. */
  readonly shown: string | null;
  readonly isWrong: boolean;
  /** For a pointer that rests on it, and for screen readers. */
  readonly says: string;
  readonly width: number;
}

function markOf(
  { node, hidden }: DrawnNode,
  { words, labels }: LabelledTree,
  predictions: TreePictureOptions["predictions"],
): Mark {
  if (hidden > 0) {
    const word = `… ${hidden} more`;
    return {
      text: "",
      word,
      shown: null,
      isWrong: false,
      says: `${hidden} more ${hidden === 1 ? "node" : "nodes"}`,
      width: textWidth(word) * fontSize,
    };
  }
  const [label, predicted] = [labels[node] ?? null, predictions?.[node] ?? null];
  const isWrong = label !== null && predicted !== null && label !== predicted;
  const shown = predicted ?? label;
  const name = cut(shown ?? "", longestLabel);
  const text = isWrong ? `${name} (${cut(label, longestLabel)})` : name;
  const word = cut(words[node] ?? "", longestWord);
  const says = [
    words[node] ?? null,
    predicted === null ? null : `predicted ${predicted}`,
    label === null ? null : `label ${label}`,
  ];
  return {
    text,
    word,
    shown,
    isWrong,
    says: says.filter((part) => part !== null).join(", "),
    width: Math.max(pillWidth(text), textWidth(word) * fontSize),
  };
}

/** A node without a name is a dot. */
const dotWidth = 8;
const pillWidth = (text: string) => (text === "" ? dotWidth : Math.max(pillHeight, textWidth(text) * fontSize + 14));

/** About how wide a text is, in units of its size: no font is at hand to measure it. */
function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += character < "\u1100" ? 0.6 : 1.05;
  return width;
}

function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const characters = [...text.slice(0, 2 * length + 2)];
  return characters.length > length ? `${characters.slice(0, length - 1).join("")}…` : text;
}

/** Names of classes: numbers by value, and then words. */
function classesOf(names: readonly (string | null)[]): string[] {
  const distinct = [...new Set(names)].filter((name) => name !== null);
  const numberOf = (name: string) => (/^-?\d+(\.\d+)?$/.test(name) ? Number(name) : Number.POSITIVE_INFINITY);
  return distinct.sort((a, b) => {
    const [first, second] = [numberOf(a), numberOf(b)];
    return first === second ? Number(a > b) - Number(a < b) : first - second;
  });
}

/** From red by white to blue, which also those who do not see red and green apart can tell. */
function colourAt(index: number, count: number): string {
  return rgb(interpolateRdBu(count === 1 ? 0.5 : 0.1 + (0.8 * index) / (count - 1))).formatHex();
}
const noColour = "#dddddd";

/** Black or white: whatever stands out more, with a contrast of at least 4.5 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio). */
function inkOn(colour: string): string {
  const { r, g, b } = rgb(colour);
  const [red, green, blue] = [r, g, b].map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  return (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) ? "black" : "white";
}

interface Places {
  x(index: number): number;
  y(index: number): number;
  readonly bottom: number;
}

function placesOf({ x, heights }: Layout, top: number, rowHeight: number): Places {
  const highest = heights[0]!;
  const y = (height: number) => top + pillHeight / 2 + (highest - height) * rowHeight;
  return {
    x: (index) => rounded(margin + x[index]!),
    y: (index) => rounded(y(heights[index]!)),
    bottom: rounded(y(0) + pillHeight / 2 + wordHeight),
  };
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

/** Down from the parent, across, and down to the child: in the strip of the child nothing else stands. */
function edges(drawn: readonly DrawnNode[], marks: readonly Mark[], { x, y }: Places): string {
  const bend = pillHeight / 2 + (row - pillHeight) / 2 - 3;
  return drawn
    .map(({ parent }, index) => {
      if (parent < 0) return "";
      const from = y(parent) + (marks[parent]!.word === "" ? 0 : pillHeight / 2 + wordHeight);
      return `M${x(parent)} ${from}V${Math.max(from, y(parent) + bend)}H${x(index)}V${y(index)}`;
    })
    .join("");
}

function drawnMark(
  { text, word, shown, isWrong, says }: Mark,
  x: number,
  y: number,
  colours: ReadonlyMap<string, string>,
): string {
  const colour = colours.get(shown ?? "") ?? noColour;
  const pill = pillWidth(text);
  const shape =
    text === ""
      ? `<circle cx="${x}" cy="${y}" r="${dotWidth / 2}" fill="#888"/>`
      : `<rect x="${rounded(x - pill / 2)}" y="${rounded(y - pillHeight / 2)}" width="${rounded(pill)}" height="${pillHeight}" rx="${pillHeight / 2}" fill="${colour}" ${border(isWrong)}/>` +
        `<text x="${x}" y="${rounded(y + 5)}" fill="${inkOn(colour)}">${escaped(text)}</text>`;
  const below =
    word === "" ? "" : `<text x="${x}" y="${rounded(y + pillHeight / 2 + 15)}" fill="${ink}">${escaped(word)}</text>`;
  return `<g><title>${escaped(cut(says, 200))}</title>${shape}${below}</g>`;
}

const border = (isWrong: boolean) => (isWrong ? `stroke="${ink}" stroke-width="3"` : 'stroke="#777"');

/** A line above the tree that says what colours and borders mean. */
function legendOf(
  classes: readonly string[],
  colours: ReadonlyMap<string, string>,
  hasWrong: boolean,
): { readonly text: string; readonly width: number } {
  const parts: string[] = [];
  let x = 0;
  const add = (fill: string, isWrong: boolean, name: string) => {
    parts.push(
      `<rect x="${rounded(x)}" y="2" width="${pillHeight}" height="14" rx="7" fill="${fill}" ${border(isWrong)}/>`,
      `<text x="${rounded(x + pillHeight + 6)}" y="14" fill="${ink}">${escaped(name)}</text>`,
    );
    x += pillHeight + 6 + textWidth(name) * fontSize + 16;
  };
  if (classes.length <= mostInLegend)
    for (const name of classes) add(colours.get(name)!, false, cut(name, longestLabel));
  if (hasWrong) add("white", true, "predicted (label)");
  return { text: parts.join(""), width: x };
}

/** The tree in words. */
function described(tree: LabelledTree, predictions: TreePictureOptions["predictions"]): string {
  const { labels, words } = tree;
  const root = labels.length - 1;
  const compared = labels.flatMap((label, node) => {
    const predicted = predictions?.[node] ?? null;
    return label === null || predicted === null ? [] : [label === predicted];
  });
  const right = compared.filter((isRight) => isRight).length;
  const parts = [
    `A tree of ${words.length} ${words.length === 1 ? "node" : "nodes"}.`,
    ...(labels[root] == null ? [] : [`The label of the root is ${labels[root]}.`]),
    ...(predictions?.[root] == null ? [] : [`The prediction for the root is ${predictions[root]}.`]),
    ...(compared.length === 0
      ? []
      : [`${right} of ${compared.length} predictions ${compared.length === 1 ? "agrees" : "agree"} with the label.`]),
    `Words: ${treeWords(tree).slice(0, 200).join(" ")}`,
  ];
  return cut(parts.join(" "), 2000);
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Text for XML: characters that XML does not have become U+FFFD. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => entities[character]!)
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
}
