/** Prediction with a trained model, on any backend. */
import type { Backend } from "../backend.ts";
import { StateError } from "../errors.ts";
import type { ModelSpec } from "../nn/spec.ts";
import { checkWeights, type Trained } from "../nn/trained.ts";
import type { Float32Tensor, Tensors } from "../tensor.ts";
import { type Dataset, type Inputs, readDataset } from "./dataset.ts";
import { checkPredictOptions, type PredictOptions, predictDataset, predictWith } from "./predict.ts";
import { Programs } from "./programs.ts";

/** A trained model at work. It holds the backend's memory: `await using`, or `dispose` it. */
export interface Predictor extends AsyncDisposable {
  /** The output for each row: float32 [rows, …]. For a model of several outputs it is the first; see `predictAll`. */
  predict(x: Inputs, options?: PredictOptions): Promise<Float32Tensor>;
  /** Every output by name. */
  predictAll(x: Inputs, options?: PredictOptions): Promise<Readonly<Record<string, Float32Tensor>>>;
  dispose(): Promise<void>;
}

/** Runs the inference graph of a model: the graph's feeds in, its fetches out. */
export interface Runner {
  run(feeds: Tensors): Promise<Tensors>;
  dispose(): Promise<void>;
}

type Predict = (dataset: Dataset, options: PredictOptions) => Promise<Record<string, Float32Tensor>>;

class ModelPredictor implements Predictor {
  readonly #spec: ModelSpec;
  readonly #predict: Predict;
  readonly #release: () => PromiseLike<void>;
  #disposed = false;

  constructor(spec: ModelSpec, predict: Predict, release: () => PromiseLike<void>) {
    this.#spec = spec;
    this.#predict = predict;
    this.#release = release;
  }

  async predictAll(x: Inputs, options: PredictOptions = {}): Promise<Readonly<Record<string, Float32Tensor>>> {
    if (this.#disposed) throw new StateError("this predictor was disposed; make another");
    checkPredictOptions(options);
    return this.#predict(readDataset(this.#spec, x), options);
  }

  async predict(x: Inputs, options: PredictOptions = {}): Promise<Float32Tensor> {
    const outputs = await this.predictAll(x, options);
    return outputs[this.#spec.outputs[0]?.name as string] as Float32Tensor;
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/**
 * Opens a trained model on a backend.
 *
 * @example
 * await using sentiment = await predictor(await loadModel("sentiment.safetensors"), { backend: await cpu() });
 * const probabilities = await sentiment.predict([[12, 7, 431]]);
 */
export async function predictor(trained: Trained, { backend }: { readonly backend: Backend }): Promise<Predictor> {
  const session = await backend.open(checkWeights(trained.spec, trained.weights));
  const programs = new Programs(backend, session);
  return new ModelPredictor(
    trained.spec,
    (dataset, options) => predictDataset(programs, trained.spec, dataset, options),
    () => session[Symbol.asyncDispose](),
  );
}

/** The same predictor over another runtime, which has the model's weights: data is checked and batched alike. It owns the runner. */
export function predictorOn(spec: ModelSpec, runner: Runner): Predictor {
  return new ModelPredictor(
    spec,
    (dataset, options) => predictWith(runner, spec, dataset, options),
    () => runner.dispose(),
  );
}
