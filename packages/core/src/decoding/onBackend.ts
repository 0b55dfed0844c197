/** A trained model that writes sequences on a backend: one session runs its two halves, and holds what is between them. */
import type { Backend } from "../backend.ts";
import { type DecodingOptions, type DecodingParts, decodingOf, type HeldPart } from "../nn/decoding/decoding.ts";
import { OptionReader } from "../nn/options.ts";
import { expectTrained, layerWeights, type Trained } from "../nn/trained.ts";
import { passesOf } from "../nn/wrapping.ts";
import type { Capacities } from "../plan/binder.ts";
import { int32, type Tensor, type Tensors } from "../tensor.ts";
import { expectBackend } from "../train/objective/parts.ts";
import { openState } from "../train/session/openState.ts";
import { Programs, type Runnable } from "../train/session/programs.ts";
import {
  BEFORE,
  encodeGraph,
  SOURCES,
  type StepForm,
  selectGraph,
  sharedMemory,
  stepFeeds,
  stepGraph,
} from "./graphs.ts";
import { RowSources } from "./rowSources.ts";
import type { DecodingRequest, DecodingStep, SequenceModel } from "./sequenceModel.ts";
import { type DecodingEngine, sequenceModelOn } from "./sequenceModelOn.ts";
import { StepResults } from "./stepResults.ts";

/** Options of `sequenceModel`. */
export interface SequenceModelOptions extends DecodingOptions {
  readonly backend: Backend;
}

/** A feed whose data and rows are others with each step. */
interface Slot<D> {
  readonly dtype: Tensor["dtype"];
  readonly shape: number[];
  data: D;
}

function fill<D>(slot: Slot<D>, data: D, rows: number): void {
  slot.data = data;
  slot.shape[0] = rows;
}

/** The two halves as programs of a session. Nothing is allocated in a step but promises, unless rows grow or read other sources. */
class BackendEngine implements DecodingEngine {
  readonly dispose: () => PromiseLike<void>;
  readonly #parts: DecodingParts;
  /** The memory that rows share, and that which is chosen for each of them. */
  readonly #shared: readonly HeldPart[];
  readonly #copied: readonly HeldPart[];
  readonly #programs: Programs;
  readonly #tokens: Slot<Int32Array> = { dtype: "int32", shape: [0], data: new Int32Array() };
  readonly #from: Slot<Int32Array> = { dtype: "int32", shape: [0], data: new Int32Array() };
  readonly #rowSources: Slot<Int32Array> = { dtype: "int32", shape: [0], data: new Int32Array() };
  readonly #allowed: Slot<Uint8Array>;
  readonly #feeds: Tensors;
  readonly #limitedFeeds: Tensors;
  readonly #results = new StepResults();
  readonly #rows = new RowSources();
  /** The sizes of the time axes of what was encoded last, and how many sources that were. */
  #times: Capacities = {};
  #sources = 0;
  #step: { readonly form: StepForm; readonly runnable: Runnable } | undefined;

  constructor(parts: DecodingParts, programs: Programs, dispose: () => PromiseLike<void>) {
    this.dispose = dispose;
    this.#parts = parts;
    this.#shared = sharedMemory(parts);
    this.#copied = parts.memory.filter((part) => !this.#shared.includes(part));
    this.#programs = programs;
    this.#allowed = { dtype: "bool", shape: [0, parts.vocabularySize], data: new Uint8Array() };
    this.#feeds = {
      [stepFeeds.tokens]: this.#tokens,
      [stepFeeds.from]: this.#from,
      ...(this.#shared.length > 0 && { [stepFeeds.sources]: this.#rowSources }),
    } as Tensors;
    this.#limitedFeeds = { ...this.#feeds, [stepFeeds.allowed]: this.#allowed } as Tensors;
  }

  async encode(feeds: Tensors, rows: number): Promise<void> {
    const { inputs } = this.#parts.sources;
    this.#times = Object.fromEntries(
      inputs.flatMap(({ name, kind, shape: [time] }) =>
        kind !== "features" && typeof time === "string" ? [[time, feeds[name]?.shape[1] as number]] : [],
      ),
    );
    this.#sources = rows;
    this.#step = undefined;
    const sizes = { ...this.#times, batch: rows };
    const { executable } = await this.#programs.get("encode", () => encodeGraph(this.#parts), sizes);
    await executable.run({ ...feeds, [stepFeeds.from]: int32([rows], new Int32Array(rows)) });
    this.#rows.begin(rows);
  }

  async step({ tokens, from, top, allowed, attention = false }: DecodingRequest): Promise<DecodingStep> {
    const { memory, attentionTime } = this.#parts;
    const rows = tokens.length;
    const others = this.#rows.continued(from);
    if (others && memory.length > 0) await this.#select(others);
    const attends = attention && attentionTime !== undefined;
    const { executable } = await this.#program(top, allowed !== undefined, attends, rows);
    const steps = typeof attentionTime === "string" ? (this.#times[attentionTime] as number) : (attentionTime ?? 0);
    this.#results.fit(rows, top, attends ? steps : 0);
    fill(this.#tokens, tokens, rows);
    fill(this.#from, from, rows);
    fill(this.#rowSources, this.#rows.chosen, rows);
    if (allowed) fill(this.#allowed, allowed, rows);
    await executable.run(allowed ? this.#limitedFeeds : this.#feeds, this.#results.tensors);
    this.#rows.goOn(rows);
    return this.#results.step;
  }

  /** Lets rows read the memory of these sources, from here on. */
  async #select(sources: Int32Array): Promise<void> {
    if (this.#copied.length > 0) {
      const sizes = this.#sizes(sources.length);
      const { executable } = await this.#programs.get("select", () => selectGraph(this.#copied), sizes);
      await executable.run({ [stepFeeds.from]: int32([sources.length], sources) });
    }
    this.#rows.choose(sources);
  }

  /** The program of steps of a form, with room for so many rows. */
  async #program(top: number, limited: boolean, attention: boolean, rows: number): Promise<Runnable> {
    const known = this.#step;
    if (known && known.form.top === top && known.form.limited === limited && known.form.attention === attention) {
      const { batch = 0, [BEFORE]: before = 0 } = known.runnable.capacities;
      if (rows <= batch && this.#rows.count <= before) return known.runnable;
    }
    const form = { top, limited, attention };
    const name = `step, top ${top}${limited ? ", limited" : ""}${attention ? ", attention" : ""}`;
    const runnable = await this.#programs.get(
      name,
      () => stepGraph(this.#parts, form, this.#shared),
      this.#sizes(rows),
    );
    this.#step = { form, runnable };
    return runnable;
  }

  /** The rows of a step are those before the next one: there is as much room for both. */
  #sizes(rows: number): Capacities {
    const most = Math.max(rows, this.#rows.count, this.#sources);
    return { ...this.#times, batch: most, [BEFORE]: most, [SOURCES]: this.#sources };
  }
}

/**
 * Opens a trained model that reads tokens, to write sequences on a backend: `generate` does it by what it is asked for. What does not depend on the tokens is computed once for each source; what
 * it gave, and the states of the rows, stay with the backend from step to step. Per step only tokens, the numbers of rows, the likeliest next tokens and the weights of attention that are
 * asked for go to and fro. On `cpu()` and `wasm()` a row's results do not depend on the others of its batch, to the bit.
 *
 * A model without sources, such as a language model, is opened with the number of rows in their place.
 *
 * @throws ConfigError where the model is none, or none that decodes (see `decodingOf`), or the backend is none
 * @example
 * await using translator = await sequenceModel(await loadModel("translator.safetensors"), { backend: await wasm() });
 * const [[best]] = await generate(translator, { source: [[4, 9, 7]] }, { start: 1, end: 2, beamSize: 5 });
 */
export async function sequenceModel(trained: Trained, options: SequenceModelOptions): Promise<SequenceModel> {
  new OptionReader("sequenceModel", options, ["backend", "target", "output"]);
  const { backend, ...roles } = options;
  expectTrained("sequenceModel", trained);
  expectBackend("sequenceModel", backend);
  const { spec } = trained;
  const parts = decodingOf(spec, roles);
  const session = await openState(backend, spec, () => layerWeights(trained));
  const programs = new Programs(backend, session, passesOf(spec.layers));
  return sequenceModelOn(parts, new BackendEngine(parts, programs, () => session[Symbol.asyncDispose]()));
}
