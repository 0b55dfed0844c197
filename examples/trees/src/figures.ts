/** The accuracy of predictions: at the roots, for the sign of sentiment, and at all nodes. */
import { type Answer, labelIn, type Reading } from "./rows.ts";

export interface Figures {
  readonly trees: number;
  /** The share of trees whose root has the right label. */
  readonly rootAccuracy: number;
  /** Of labels 0 … 4: the share of roots on the right side of 2, by the probabilities of 0 and 1 against those of 3 and 4; roots with the label 2 are left out. */
  readonly rootBinaryAccuracy?: number;
  /** Nodes with a label. */
  readonly nodes: number;
  /** The share of nodes with the right label; absent where only roots have one. */
  readonly nodeAccuracy?: number;
}

/** A count of right answers. */
class Share {
  #right = 0;
  all = 0;

  add(right: boolean): void {
    this.all += 1;
    if (right) this.#right += 1;
  }

  get value(): number {
    return this.#right / this.all;
  }
}

const sentiments = ["0", "1", "2", "3", "4"];
const neutral = 2;

/** The figures of batches of answers. */
export async function figuresOf(reading: Reading, batches: AsyncIterable<readonly Answer[]>): Promise<Figures> {
  const [roots, signs, nodes] = [new Share(), new Share(), new Share()];
  const signed =
    reading.labels.length === sentiments.length && sentiments.every((each, id) => reading.labels[id] === each);
  for await (const answers of batches) {
    for (const { tree, nodes: said } of answers) {
      const root = tree.labels.length - 1;
      for (const [node, probabilities] of said) {
        const label = tree.labels[node];
        const right = labelIn(reading, probabilities).label === label;
        if (label !== null) nodes.add(right);
        if (node !== root) continue;
        roots.add(right);
        const [sign, said] = [Number(label) - neutral, signOf(probabilities)];
        if (signed && sign !== 0) signs.add(sign > 0 === said > 0);
      }
    }
  }
  return {
    trees: roots.all,
    rootAccuracy: roots.value,
    ...(signs.all > 0 ? { rootBinaryAccuracy: signs.value } : {}),
    nodes: nodes.all,
    ...(nodes.all > roots.all ? { nodeAccuracy: nodes.value } : {}),
  };
}

function signOf([very = 0, negative = 0, , positive = 0, veryPositive = 0]: Float32Array): number {
  return positive + veryPositive - negative - very;
}
