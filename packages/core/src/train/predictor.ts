/** Prediction with a trained model, on any backend. */
import type { Backend, Executable } from "../backend.ts";
import { inferenceGraph } from "../nn/build.ts";
import { OptionReader } from "../nn/options.ts";
import type { ModelSpec } from "../nn/spec.ts";

import { expectTrained, layerWeights, type Trained } from "../nn/trained.ts";
import { passesOf } from "../nn/wrapping.ts";

import type { Float32Tensor, Tensors } from "../tensor.ts";
import { type Dataset, readDataset } from "./data/dataset.ts";
import type { Inputs } from "./data/named.ts";
import { checkPassOptions, type PassOptions } from "./evaluation/pass.ts";
import { predictRows } from "./evaluation/predict.ts";
import { expectBackend } from "./objective/parts.ts";
import { openState } from "./session/openState.ts";
import { Programs } from "./session/programs.ts";
import { Turns } from "./session/turns.ts";

/**
 * A trained model at work. It holds the backend's memory: `await using`, or `dispose` it. Calls may overlap: they run one after another, in
 * the order in which they were made.
 */
export interface Predictor extends AsyncDisposable {
  /** The output for each row: float32 [rows, …]. For a model of several outputs it is the first; see `predictAll`. */
  predict(x: Inputs, options?: PassOptions): Promise<Float32Tensor>;
  /** Every output by name. */
  predictAll(x: Inputs, options?: PassOptions): Promise<Readonly<Record<string, Float32Tensor>>>;
  /** Waits for the calls made before; later ones are a `StateError`. */
  dispose(): Promise<void>;
}

/** Runs the inference graph of a model: the graph's feeds in, its fetches out. */
export interface Runner {
  run(feeds: Tensors): Promise<Tensors>;
  dispose(): Promise<void>;
}

/** What runs the model for a data set, in batches of a size. */
type Open = (dataset: Dataset, batch: number) => Promise<Pick<Executable, "run">>;

class ModelPredictor implements Predictor {
  readonly #spec: ModelSpec;
  readonly #open: Open;
  readonly #release: () => PromiseLike<void>;
  readonly #turns = new Turns("this predictor was disposed; make another");

  constructor(spec: ModelSpec, open: Open, release: () => PromiseLike<void>) {
    this.#spec = spec;
    this.#open = open;
    this.#release = release;
  }

  async predictAll(x: Inputs, options: PassOptions = {}): Promise<Readonly<Record<string, Float32Tensor>>> {
    this.#turns.expectOpen();
    checkPassOptions("predict", options);
    const dataset = readDataset(this.#spec, x);
    return predictRows(this.#turns, this.#spec, dataset, options, (batch) => this.#open(dataset, batch));
  }

  async predict(x: Inputs, options: PassOptions = {}): Promise<Float32Tensor> {
    const outputs = await this.predictAll(x, options);
    return outputs[this.#spec.outputs[0]?.name as string] as Float32Tensor;
  }

  dispose(): Promise<void> {
    return this.#turns.close(this.#release);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/**
 * Opens a trained model on a backend. The first call also makes what depends on the weights alone: where an embedding goes into a recurrence or a dense layer,
 * a table of the product of both with a row for each word, as long as these tables take no more than 64 MB. A row's result does not depend on the others of its batch
 * (on `cpu()` and `wasm()` to the bit).
 *
 * @throws ConfigError where the model is none, or the backend
 *
 * @example
 * await using sentiment = await predictor(await loadModel("sentiment.safetensors"), { backend: await cpu() });
 * const probabilities = await sentiment.predict([[12, 7, 431]]);
 */
export async function predictor(trained: Trained, options: { readonly backend: Backend }): Promise<Predictor> {
  new OptionReader("predictor", options, ["backend"]);
  const { backend } = options;
  expectTrained("predictor", trained);
  expectBackend("predictor", backend);
  const { spec } = trained;
  const session = await openState(backend, spec, () => layerWeights(trained));
  const programs = new Programs(backend, session, passesOf(spec.layers));
  return new ModelPredictor(
    spec,
    async ({ longest }, batch) =>
      (await programs.get("predict", () => inferenceGraph(spec), { batch, ...longest })).executable,
    () => session[Symbol.asyncDispose](),
  );
}

/** The same predictor over another runtime, which has the model's weights: data is checked and batched alike. It owns the runner. */
export function predictorOn(spec: ModelSpec, runner: Runner): Predictor {
  return new ModelPredictor(
    spec,
    async () => runner,
    () => runner.dispose(),
  );
}
