/** Prediction with a trained model, on any backend. */
import type { Backend, Executable } from "../backend.ts";
import { ConfigError } from "../errors.ts";
import type { Graph } from "../ir/value.ts";
import { inferenceGraph } from "../nn/build.ts";
import { OptionReader } from "../nn/options.ts";
import type { ModelSpec } from "../nn/spec.ts";
import { expectTrained, layerWeights, type Trained } from "../nn/trained.ts";
import { passesOf } from "../nn/wrapping.ts";
import type { Capacities } from "../plan/binder.ts";
import type { Float32Tensor, Tensors } from "../tensor.ts";
import { capacitiesOf } from "./data/batchRoom.ts";
import { type Dataset, readDataset } from "./data/dataset.ts";
import type { Inputs } from "./data/named.ts";
import { checkPassOptions, type PassOptions } from "./evaluation/pass.ts";
import { predictRows } from "./evaluation/predict.ts";
import { ModelStream, type Stream, type StreamOptions, type StreamRunner } from "./evaluation/stream.ts";
import { expectBackend } from "./objective/parts.ts";
import { type Runnable, resetStates, withAllStates, withStates } from "./session/carriedStates.ts";
import { programName } from "./session/context.ts";
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
  /**
   * Rows to be read as their steps come, each in a state of its own, whether or not layers are `stateful`.
   *
   * @throws ConfigError for a model that needs whole rows, with the layer: one that reads them from their ends, or pools over them
   * @example
   * await using stream = characters.stream();
   * for (const id of ids) probabilities = await stream.step([id]);
   */
  stream(options?: StreamOptions): Stream;
  /**
   * Of a model with `stateful` layers: the rows of the next batch begin anew, all or those named. Without it each row goes on with that in its place in the
   * batch before, in the calls of `predict` before, too.
   *
   * @throws ConfigError where no layer is `stateful`, or for a row that there is not
   */
  resetStates(rows?: readonly number[]): Promise<void>;
  /** Waits for the calls made before; later ones are a `StateError`. */
  dispose(): Promise<void>;
}

/** Runs the inference graph of a model: the graph's feeds in, its fetches out. */
export interface Runner {
  run(feeds: Tensors): Promise<Tensors>;
  /** Its graph is that of streams, `streamGraph`, with the states of all recurrences among feeds and fetches. Default: it is `inferenceGraph`. */
  readonly states?: boolean;
  dispose(): Promise<void>;
}

/** What runs the graphs of a model. */
interface Engine {
  /** The model as it is run, with the states that go on. */
  runnable(): Runnable;
  /** The model's own, for a data set in batches of a size. */
  open(spec: ModelSpec, part: Dataset, batch: number): Promise<Pick<Executable, "run">>;
  /** That of its streams. */
  stream(graph: () => Graph, sizes: Capacities): Promise<StreamRunner>;
  release(): PromiseLike<void>;
}

class ModelPredictor implements Predictor {
  readonly #spec: ModelSpec;
  #made: Runnable | undefined;
  readonly #engine: Engine;
  readonly #turns = new Turns("this predictor was disposed; make another");

  constructor(spec: ModelSpec, engine: Engine) {
    this.#spec = spec;
    this.#engine = engine;
  }

  /** Made for the first call that needs it. */
  #runnable(): Runnable {
    this.#made ??= this.#engine.runnable();
    return this.#made;
  }

  async predictAll(x: Inputs, options: PassOptions = {}): Promise<Readonly<Record<string, Float32Tensor>>> {
    this.#turns.expectOpen();
    checkPassOptions("predict", options);
    const { spec, states } = this.#runnable();
    const dataset = readDataset(spec, x);
    const open = (part: Dataset, batch: number) => this.#engine.open(spec, part, batch);
    return predictRows(this.#turns, spec, dataset, options, open, states);
  }

  async predict(x: Inputs, options: PassOptions = {}): Promise<Float32Tensor> {
    const outputs = await this.predictAll(x, options);
    return outputs[this.#spec.outputs[0]?.name as string] as Float32Tensor;
  }

  stream(options: StreamOptions = {}): Stream {
    this.#turns.expectOpen();
    return new ModelStream(this.#spec, options, this.#turns, (graph, sizes) => this.#engine.stream(graph, sizes));
  }

  async resetStates(rows?: readonly number[]): Promise<void> {
    const { states } = this.#runnable();
    await resetStates(this.#turns, states?.lasting ? [states] : undefined, rows);
  }

  dispose(): Promise<void> {
    return this.#turns.close(() => this.#engine.release());
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
  return new ModelPredictor(spec, {
    runnable: () => withStates(spec),
    open: async (run, part, batch) => {
      const room = capacitiesOf(part, batch);
      return (await programs.get(programName("predict", part), () => inferenceGraph(run, "stateful"), room)).executable;
    },
    stream: (graph, sizes) => programs.get("stream", graph, sizes),
    release: () => session[Symbol.asyncDispose](),
  });
}

/** The same predictor over another runtime, which has the model's weights: data is checked and batched alike. It owns the runner. */
export function predictorOn(spec: ModelSpec, runner: Runner): Predictor {
  return new ModelPredictor(spec, {
    runnable: () => (runner.states ? withAllStates(spec) : { spec }),
    open: async () => runner,
    async stream() {
      if (runner.states) return { executable: runner };
      throw new ConfigError(
        "stream: this model was exported without its states; export it with them: exportOnnx(trained, { states: true })",
      );
    },
    release: () => runner.dispose(),
  });
}
