/** Runs in a browser's page: models opened with onnxruntime-web. */
import { minGru } from "@ostinato/cells";
import { type GenerateOptions, generate, type Inputs, type Tensor } from "@ostinato/core";
import { onnxPredictor, onnxSequenceModel, openSession, type SessionOptions } from "@ostinato/onnx/web";

/** What came of a call: its result, or the name and the message of its error. */
export type Outcome<T> = { readonly result: T } | { readonly name: string; readonly message: string };

/** A tensor on its way between the test and the page. */
export interface Plain {
  readonly dtype: "int32" | "float32";
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
export type PlainTensors = Readonly<Record<string, Plain>>;

const typed = ({ dtype, shape, data }: Plain): Tensor =>
  dtype === "int32" ? { dtype, shape, data: Int32Array.from(data) } : { dtype, shape, data: Float32Array.from(data) };

const plain = ({ dtype, shape, data }: Tensor): Plain => ({ dtype: dtype as Plain["dtype"], shape, data: [...data] });

const eachOf = <A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));

async function outcome<T>(call: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { result: await call() };
  } catch (error) {
    const { name, message } = error as Error;
    return { name, message };
  }
}

/** All outputs of models by their URLs, which predict at the same time. */
const predict = (models: Readonly<Record<string, Inputs>>, options?: SessionOptions) =>
  outcome(async () => {
    const predictions = Object.entries(models).map(async ([url, x]) => {
      await using model = await onnxPredictor(url, { layers: [minGru], ...options });
      return [url, eachOf(await model.predictAll(x, { batchSize: 4 }), plain)] as const;
    });
    return Object.fromEntries(await Promise.all(predictions));
  });

/** The tokens that a sequence model writes, and their log-probability. */
const write = (encode: string, decodeStep: string, sources: Inputs, options: GenerateOptions) =>
  outcome(async () => {
    await using writer = await onnxSequenceModel({ encode, decodeStep });
    const written = await generate(writer, sources, options);
    return written.map((each) => each.map(({ tokens, logProbability }) => ({ tokens: [...tokens], logProbability })));
  });

/** What became of each of the feeds. */
const run = (url: string, feeds: readonly PlainTensors[]) =>
  outcome(async () => {
    const session = await openSession(url);
    const outcomes = [];
    for (const one of feeds)
      outcomes.push(await outcome(async () => eachOf(await session.run(eachOf(one, typed)), plain)));
    await session.dispose();
    return outcomes;
  });

const calls = { predict, write, run };
export type Calls = typeof calls;
Object.assign(globalThis, calls);
