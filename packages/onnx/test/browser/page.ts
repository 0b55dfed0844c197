/** Runs in a browser page: models opened with onnxruntime-web. */
import { minGru } from "@ostinato/cells";
import { type GenerateOptions, generate, type Inputs, type Tensor } from "@ostinato/core";
import { onnxPredictor, onnxSequenceModel, openSession, type SessionOptions } from "@ostinato/onnx/web";

declare const location: { readonly href: string };

/** The outcome of a call: its result, or the name and message of its error. */
export type Outcome<T> = { readonly result: T } | { readonly name: string; readonly message: string };

/** A tensor passed between the test and the page. */
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

/** All outputs of models, by URL, which predict at the same time. With "given", the page passes the runtime. */
const predict = (models: Readonly<Record<string, Inputs>>, options?: SessionOptions, whose: "own" | "given" = "own") =>
  outcome(async () => {
    const runtime = whose === "given" ? await import("onnxruntime-web/wasm") : undefined;
    const predictions = Object.entries(models).map(async ([url, x]) => {
      await using model = await onnxPredictor(url, { layers: [minGru], runtime, ...options });
      return [url, eachOf(await model.predictAll(x, { batchSize: 4 }), plain)] as const;
    });
    return Object.fromEntries(await Promise.all(predictions));
  });

const bytesOf = async (url: string): Promise<Uint8Array> => new Uint8Array(await (await fetch(url)).arrayBuffer());

/** The tokens that a sequence model generates, and their log-probability. */
const write = (encode: string, decodeStep: string, sources: Inputs, options: GenerateOptions) =>
  outcome(async () => {
    const [first, second] = await Promise.all([encode, decodeStep].map(bytesOf));
    await using writer = await onnxSequenceModel({ encode: first, decodeStep: second as Uint8Array });
    const written = await generate(writer, sources, options);
    return written.map((each) => each.map(({ tokens, logProbability }) => ({ tokens: [...tokens], logProbability })));
  });

/** The outcome of each feed. */
const run = (url: string, feeds: readonly PlainTensors[]) =>
  outcome(async () => {
    const session = await openSession(new URL(url, location.href));
    const outcomes = [];
    for (const one of feeds)
      outcomes.push(await outcome(async () => eachOf(await session.run(eachOf(one, typed)), plain)));
    await session.dispose();
    return outcomes;
  });

const calls = { predict, write, run };
export type Calls = typeof calls;
Object.assign(globalThis, calls);
