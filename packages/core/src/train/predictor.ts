/** Prediction with a trained model, on any backend. */
import type { Backend, Session } from "../backend.ts";
import { StateError } from "../errors.ts";
import type { ModelSpec } from "../nn/spec.ts";
import type { Float32Tensor } from "../tensor.ts";
import { type Inputs, readDataset } from "./dataset.ts";
import { type PredictOptions, predictDataset } from "./predict.ts";
import { Programs } from "./programs.ts";
import { checkWeights, type Trained } from "./trained.ts";

/** A trained model at work. It holds the backend's memory: `await using`, or `dispose` it. */
export interface Predictor extends AsyncDisposable {
  /** The output for each row: float32 [rows, …]. For a model of several outputs it is the first; see `predictAll`. */
  predict(x: Inputs, options?: PredictOptions): Promise<Float32Tensor>;
  /** Every output by name. */
  predictAll(x: Inputs, options?: PredictOptions): Promise<Readonly<Record<string, Float32Tensor>>>;
  dispose(): Promise<void>;
}

class SessionPredictor implements Predictor {
  readonly #spec: ModelSpec;
  readonly #session: Session;
  readonly #programs: Programs;
  #disposed = false;

  constructor(spec: ModelSpec, backend: Backend, session: Session) {
    this.#spec = spec;
    this.#session = session;
    this.#programs = new Programs(backend, session);
  }

  async predictAll(x: Inputs, options: PredictOptions = {}): Promise<Readonly<Record<string, Float32Tensor>>> {
    if (this.#disposed) throw new StateError("this predictor was disposed; make another");
    return predictDataset(this.#programs, this.#spec, readDataset(this.#spec, x), options);
  }

  async predict(x: Inputs, options: PredictOptions = {}): Promise<Float32Tensor> {
    const outputs = await this.predictAll(x, options);
    return outputs[this.#spec.outputs[0]?.name as string] as Float32Tensor;
  }

  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    await this.#session[Symbol.asyncDispose]();
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
  return new SessionPredictor(trained.spec, backend, session);
}
