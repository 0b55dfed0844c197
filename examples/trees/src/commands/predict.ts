/** `predict`: labels trees, and each of their nodes, from the arguments or from standard input as they arrive. */
import { extname } from "node:path";
import {
  answerLines,
  excerpt,
  FailureError,
  type Input,
  type Output,
  type RuntimeName,
  requireWritableFile,
  shownCount,
  shownFigure,
} from "@ostinato/app";
import type { Predictor } from "@ostinato/core";
import { writeFileAtomic } from "@ostinato/core/node";
import { formatTree, type LabelledTree, parseTree, TreeFormatError, treeSvg, treeWords } from "@ostinato/datasets";
import { shownTrees, tooWide } from "../data.ts";
import { loadTreeModel, openTreeModel, type TreeModel } from "../model.ts";
import { type Answer, answersFor, countWords, labelIn } from "../rows.ts";

export interface PredictOptions {
  readonly model: string;
  readonly backend: RuntimeName;
  /** False: the trees have no labels, and all text is words. */
  readonly labels: boolean;
  /** Print the label of each node. */
  readonly nodes?: true;
  /** Draw the trees. */
  readonly svg?: string;
}

/** A text, and its number among the arguments or lines. */
interface Line {
  readonly text: string;
  readonly number: number;
}

/** The open model, and the counts so far. */
interface Work {
  readonly options: PredictOptions;
  readonly model: TreeModel;
  readonly predictor: Predictor;
  readonly output: Output;
  readonly counts: { answered: number; refused: number; words: number; unknown: number };
}

const lineWidth = 100;

export async function predict(
  texts: readonly string[],
  options: PredictOptions,
  output: Output,
  input: Input,
): Promise<void> {
  if (options.svg !== undefined) await requireWritableFile(options.svg, "--svg");
  const model = await loadTreeModel(options.model);
  await using predictor = await openTreeModel(model, options.backend);
  const counts = { answered: 0, refused: 0, words: 0, unknown: 0 };
  const work: Work = { options, model, predictor, output, counts };
  if (texts.length > 0) {
    const lines = texts.map((text, i) => ({ text, number: i + 1 }));
    await answer(lines, "tree", work);
  } else {
    await answerLines(input, { noun: "tree", nouns: "trees" }, output, (lines) =>
      answer(
        lines.filter(({ text }) => text.trim() !== ""),
        "line",
        work,
      ),
    );
  }
  const { answered, refused, words, unknown } = counts;
  if (unknown > 0) output.warn(`${shownCount(unknown)} of ${shownCount(words)} words are unknown to the model`);
  if (refused > 0)
    throw new FailureError(`${shownCount(refused)} of ${shownTrees(answered + refused)} could not be read`);
}

/** Answers each tree in order, and warns of each text that cannot be read. `place` is what a text is called: "line" or "tree". */
async function answer(lines: readonly Line[], place: string, work: Work): Promise<void> {
  const { options, model, predictor, output, counts } = work;
  const { reading } = model;
  const read = lines.map((line) => treeIn(line, place, work));
  const trees = read.filter((each) => typeof each !== "string");
  const whole = options.nodes || options.svg !== undefined;
  const answers: Answer[] = [];
  const nodesOf = ({ parents }: LabelledTree) => (whole ? Array.from(parents.keys()) : [parents.length - 1]);
  for await (const some of answersFor(reading, predictor, trees, nodesOf)) answers.push(...some);
  const { words, unknown } = countWords(reading, trees);
  counts.words += words;
  counts.unknown += unknown;
  const next = answers.values();
  for (const [row, each] of read.entries()) {
    if (typeof each === "string") {
      counts.refused += 1;
      output.event({ text: lines[row]?.text, label: null, problem: each });
      output.say("-");
      output.warn(each);
    } else {
      counts.answered += 1;
      await show(next.next().value as Answer, work);
    }
    await output.drained();
  }
}

/** The tree of a text, or why there is none. */
function treeIn({ text, number }: Line, place: string, { options, model }: Work): LabelledTree | string {
  try {
    const tree = parseTree(text, { labels: options.labels ? "required" : "none" });
    const problem = tooWide(tree, model.settings);
    return problem === undefined ? tree : `${place} ${number}: it has ${problem}`;
  } catch (error) {
    if (error instanceof TreeFormatError) return `${place} ${number}, column ${error.column}: ${error.problem}`;
    throw error;
  }
}

async function show({ tree, nodes }: Answer, { options, model, output, counts }: Work): Promise<void> {
  const { reading } = model;
  const said = new Map(Array.from(nodes, ([node, probabilities]) => [node, labelIn(reading, probabilities)]));
  const root = tree.parents.length - 1;
  const { label, probability } = said.get(root) as ReturnType<typeof labelIn>;
  const probabilities = Object.fromEntries(reading.labels.map((each, id) => [each, nodes.get(root)?.[id]]));
  const predictions = tree.parents.map((_, node) => said.get(node)?.label ?? null);
  const text = options.nodes ? formatTree({ ...tree, labels: predictions }) : treeWords(tree).join(" ");
  output.event({
    text,
    label,
    probability,
    probabilities,
    ...(options.nodes ? { nodes: Array.from(said.values()) } : {}),
  });
  output.say(`${label}  ${shownFigure(probability)}  ${options.nodes ? text : excerpt(text, lineWidth)}`);
  if (options.svg === undefined) return;
  const file = numbered(options.svg, counts.answered);
  await writeFileAtomic(file, treeSvg(tree, { predictions, classes: reading.labels }));
  output.event({ event: "saved", files: [file] });
  output.say(`drawn in ${file}`);
}

/** The file of the first tree, or that of another: `tree-2.svg`. */
function numbered(file: string, number: number): string {
  const ending = extname(file);
  return number === 1 ? file : `${file.slice(0, file.length - ending.length)}-${number}${ending}`;
}
