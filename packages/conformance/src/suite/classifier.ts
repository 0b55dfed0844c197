/** A tiny text classifier as one train graph: Embedding → a recurrence → Dense, binary crossentropy, and the update of SGD or Adam. */
import {
  adam,
  cast,
  constant,
  countOf,
  factsOf,
  feed,
  finite,
  float32,
  type Graph,
  gather,
  gradients,
  int32,
  learningRateAt,
  matmul,
  mean,
  mul,
  RandomStream,
  type RecurrenceName,
  recurrence,
  recurrenceNames,
  reshape,
  sequenceLengths,
  sgd,
  sigmoid,
  sizeOf,
  softplus,
  state,
  sub,
  type Tensor,
  type Tensors,
  transpose,
  type Update,
  type Value,
  zeros,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";

export interface Classifier {
  readonly graph: Graph;
  /** Parameters, optimizer slots and the step counter before the first step. */
  readonly state: Tensors;
}

export type Optimizer = "sgd" | "adam";

export interface ClassifierSizes {
  readonly words: number;
  readonly embedding: number;
  readonly hidden: number;
}

const defaultSizes: ClassifierSizes = { words: 11, embedding: 3, hidden: 4 };

const optimizers = { sgd: sgd({ learningRate: 0.5 }), adam: adam({ learningRate: 0.01 }) } as const;

/** The new parameters, slots and count of steps. */
function updatesOf(
  optimizer: Optimizer,
  parameters: Readonly<Record<string, Value>>,
  grads: readonly Value[],
): Update[] {
  const { update, slots: initial, learningRate } = optimizers[optimizer];
  const step = add(state("step", "int32", []), 1);
  const updates: Update[] = [{ name: "step", value: step }];
  Object.entries(parameters).forEach(([name, parameter], i) => {
    const shape = parameter.type.shape as number[];
    const slots = Object.fromEntries(
      Object.keys(initial).map((slot) => [slot, state(`${name}/${slot}`, "float32", shape)]),
    );
    const next = update({
      parameter,
      gradient: grads[i],
      slots,
      shared: {},
      iteration: cast(step, "float32"),
      learningRate: constant(learningRateAt(learningRate, 0)),
    });
    updates.push({ name, value: next.parameter });
    for (const [slot, value] of Object.entries(next.slots)) updates.push({ name: `${name}/${slot}`, value });
  });
  return updates;
}

/** Feeds: ids int32 [batch, time], padded behind with 0; labels float32 [batch]. Fetches: loss, probabilities [batch]. */
export function classifier(
  optimizer: Optimizer,
  name: RecurrenceName = recurrenceNames[0],
  { words, embedding, hidden } = defaultSizes,
): Classifier {
  const gates = factsOf(name).gates.length;
  const shapes = {
    embeddings: [words, embedding],
    W: [gates * hidden, embedding],
    R: [gates * hidden, hidden],
    B: [gates * hidden],
    kernel: [hidden, 1],
    bias: [1],
  };
  const parameters = Object.fromEntries(
    Object.entries(shapes).map(([role, shape]) => [role, state(role, "float32", shape)]),
  );
  const { embeddings, W, R, B, kernel, bias } = parameters;
  const ids = transpose(feed("ids", "int32", ["batch", "time"]), [1, 0]);
  const { h } = recurrence(name, { X: gather(embeddings, ids), W, R, B, lengths: sequenceLengths(ids) });
  const logits = reshape(add(matmul(h, kernel), bias), ["batch"]);
  const labels = feed("labels", "float32", ["batch"]);
  const loss = mean(sub(softplus(logits), mul(labels, logits)));
  const grads = gradients([{ value: loss, cotangent: constant(1) }], Object.values(parameters));
  const rows = countOf(["batch"]);
  const updates = updatesOf(optimizer, parameters, grads);

  const random = new RandomStream(7, "classifier");
  const initial: Record<string, Tensor> = { step: int32([], [0]) };
  for (const [role, shape] of Object.entries(shapes)) {
    initial[role] = float32(
      shape,
      Array.from({ length: sizeOf(shape) }, () => random.uniform() - 0.5),
    );
    for (const slot of Object.keys(optimizers[optimizer].slots)) initial[`${role}/${slot}`] = zeros("float32", shape);
  }
  return {
    graph: { fetches: { loss, probabilities: sigmoid(logits), rows }, updates, guard: finite(loss) },
    state: initial,
  };
}

/** A batch of padded rows; a row is positive where its first word is odd, so that there is something to learn. */
export function classifierBatch(step: number, words = defaultSizes.words): Tensors {
  const random = new RandomStream(step, "classifier batch");
  const [batch, time] = [1 + random.below(6), 1 + random.below(7)];
  const ids = new Int32Array(batch * time);
  const labels = new Float32Array(batch);
  for (let row = 0; row < batch; row++) {
    const length = random.below(time + 1);
    for (let t = 0; t < length; t++) ids[row * time + t] = 1 + random.below(words - 1);
    labels[row] = ids[row * time] % 2;
  }
  return { ids: int32([batch, time], ids), labels: float32([batch], labels) };
}

/** Of the batches that `classifierBatch` makes. */
export const classifierCapacities = { batch: 6, time: 7 } as const;
