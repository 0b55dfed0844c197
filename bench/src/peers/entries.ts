/** Who takes part and how each is started. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Entry } from "./contestant.ts";
import type { OwnOptions } from "./contestants/backends.ts";
import type { Task } from "./network.ts";
import type { Product } from "./products.ts";
import type { Python } from "./pythons.ts";

const run = promisify(execFile);
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

type Given = Pick<Entry, "peer" | "name"> & Partial<Pick<Entry, "tries" | "aside">>;

function nodeEntry(given: Given, file: string, job: string, options: { readonly threads: number }): Entry {
  const args = ["--conditions=@ostinato/source", "--disable-warning=ExperimentalWarning"];
  const program = here(`./contestants/${file}`);
  const { threads } = options;
  return { ...given, command: process.execPath, args: [...args, program, job, JSON.stringify(options)], threads };
}

const threadsOf = (count: number): string => `${count} ${count === 1 ? "thread" : "threads"}`;

function own({ backend, threads, simd }: OwnOptions, note = ""): Given {
  if (backend === "cpu") return { peer: "Ostinato cpu", name: `Ostinato cpu${note}` };
  const width = simd === "relaxed" ? ", 128-bit as in browsers" : "";
  return { peer: "Ostinato", name: `Ostinato wasm, ${threadsOf(threads)}${width}${note}` };
}

export function ownTraining(job: string, options: OwnOptions, note = ""): Entry {
  return nodeEntry(own(options, note), "own-train.ts", job, options);
}

/** Of a job of pairs. */
export function ownPairs(job: string, options: OwnOptions, note = ""): Entry {
  return nodeEntry(own(options, note), "own-pairs.ts", job, options);
}

export function ownWriting(job: string, options: OwnOptions): Entry {
  return nodeEntry(own(options), "own-write.ts", job, options);
}

export function ownTrees(job: string, options: OwnOptions): Entry {
  return nodeEntry(own(options), "own-trees.ts", job, options);
}

/** The loss without gradients. */
export function ownForward(job: string, options: OwnOptions): Entry {
  return {
    ...nodeEntry(own(options, ", forward"), "own-train.ts", job, { ...options, ...{ forward: true } }),
    aside: true,
  };
}

/** The products of a forward pass. */
export function ownProducts(products: readonly Omit<Product, "name">[], options: OwnOptions): Entry {
  return {
    ...nodeEntry(own(options, ", products"), "own-products.ts", "", { ...options, ...{ products } }),
    aside: true,
  };
}

export function ownPrediction(job: string, options: OwnOptions): Entry {
  return nodeEntry(own(options), "predict.ts", job, options);
}

export function onnxruntimePrediction(job: string, threads: number): Entry {
  const given = { peer: "ONNX Runtime", name: `ONNX Runtime, ${threadsOf(threads)}`, tries: "ONNX Runtime" };
  return nodeEntry(given, "predict.ts", job, { ...{ backend: "onnxruntime" }, threads });
}

export function ownProduct(product: Product, options: OwnOptions): Entry {
  return nodeEntry(own(options), "own-product.ts", "", { ...options, ...{ product } });
}

export function jaxProduct(product: Product): Entry {
  return nodeEntry({ peer: "jax-js", name: "jax-js wasm" }, "jax-product.ts", "", { threads: 1, ...{ product } });
}

export function tfjsTraining(job: string, backend: "cpu" | "wasm", note = ""): Entry {
  const given = {
    peer: "tfjs-layers",
    name: `tfjs-layers ${backend}${note}`,
    ...(backend === "cpu" ? { aside: true } : {}),
  };
  return nodeEntry(given, "tfjs.ts", job, { ...{ backend }, threads: 1 });
}

/** How the batches of a job are given to a library. */
export interface Batching {
  /** In the contestant's name. */
  readonly note: string;
  readonly padTo?: number;
  /** Lengths of batches are rounded up to multiples: a library that compiles for each length does so a few times. */
  readonly multiple?: number;
  readonly packed?: boolean;
  /** Padding is masked. */
  readonly masked?: boolean;
}

const whole: Batching = { note: "" };

interface Library {
  readonly peer: string;
  readonly program: string;
  readonly name: string;
  readonly python: Python;
}

/** Both numbers of threads, of which the faster takes part. */
function tried(library: Library, job: string, { note, ...batching }: Batching, options: object = {}, setting = "") {
  const { peer, program, python } = library;
  const name = `${library.name}${setting}${note}`;
  return [1, 2].map((threads): Entry => {
    const args = [here(`../../peers/${program}`), job, JSON.stringify({ threads, ...options, ...batching })];
    return {
      peer,
      name: `${name}, ${threadsOf(threads)}`,
      command: python.path,
      args,
      threads,
      tries: `${python.path} ${name}`,
    };
  });
}

/** PyTorch as it comes: plain Adam, and with subnormal numbers, which cost some processors over a hundred cycles each. */
export function torchAsItComes(pythons: readonly Python[], job: string, batching = whole): Entry[] {
  return torches(pythons).flatMap((library) =>
    tried(library, job, batching, { flush: false, fused: false }, " as it comes").map((entry) => ({
      ...entry,
      outOfBox: true,
    })),
  );
}

/** PyTorch with fused Adam and `torch.set_flush_denormal(True)`. */
export function torchTraining(pythons: readonly Python[], job: string, batching = whole): Entry[] {
  return torches(pythons).flatMap((library) =>
    tried(library, job, batching, { flush: true, fused: true }, ", subnormals off"),
  );
}

function torches(pythons: readonly Python[], program = "pytorch.py"): Library[] {
  return pythons.flatMap((python) => {
    const version = python.versions.torch?.replace("+cpu", "");
    return version === undefined ? [] : [{ peer: "PyTorch", program, name: `PyTorch ${version}`, python }];
  });
}

/** Writing in PyTorch, a loop over steps: so many rows together. */
function writingIn(libraries: readonly Library[], job: string, batches: readonly number[]): Entry[] {
  return libraries.flatMap((library) =>
    batches.flatMap((batch) => tried(library, job, { note: `, ${batch} together` }, { flush: true, write: batch })),
  );
}

/** The phones of words: as many together as we take, and all of them. */
export function torchWriting(pythons: readonly Python[], job: string, batches: readonly number[]): Entry[] {
  return writingIn(torches(pythons, "transcription.py"), job, batches);
}

/** The encoder–decoder in PyTorch at its best, on padded sources and on packed ones, and as it comes. */
export function torchTranscription(pythons: readonly Python[], job: string): Entry[] {
  const best = { flush: true, fused: true };
  return torches(pythons, "transcription.py").flatMap((library) => [
    ...tried(library, job, whole, best, ", subnormals off"),
    ...tried(library, job, { note: ", packed", packed: true }, best, ", subnormals off"),
    ...tried(library, job, whole, { flush: false, fused: false }, " as it comes").map((entry) => ({
      ...entry,
      outOfBox: true,
    })),
  ]);
}

/** The ways to compute a step of a decoder with input feeding in PyTorch; without it there is one. */
const steps = [
  { note: ", LSTMCell", step: "cell" },
  { note: ", nn.LSTM of one step", step: "layer" },
  { note: ", gates written down", step: "gates" },
] as const;

/** Translation of sentences in PyTorch at its best, in each of the ways to compute a step, and as it comes. */
export function torchSentences(pythons: readonly Python[], job: string, inputFeeding: boolean): Entry[] {
  const best = { flush: true, fused: true };
  const asItComes = { flush: false, fused: false };
  return torches(pythons, "sentences.py").flatMap((library) => {
    const trained = (options: object, setting: string, ways: readonly (Batching & { readonly step?: string })[]) =>
      ways.flatMap((way) => tried(library, job, way, options, setting));
    const plain = trained(asItComes, " as it comes", inputFeeding ? steps.slice(0, 1) : [whole]);
    return [
      ...trained(best, ", subnormals off", inputFeeding ? steps : [whole]),
      ...plain.map((entry) => ({ ...entry, outOfBox: true })),
    ];
  });
}

/** What scores subwords alone. */
export function torchOutput(pythons: readonly Python[], job: string): Entry[] {
  const options = { flush: true, fused: true, output: true };
  return torches(pythons, "sentences.py").flatMap((library) => tried(library, job, whole, options, ", subnormals off"));
}

/** Translating in PyTorch, a loop over steps: so many sentences together. */
export function torchTranslating(pythons: readonly Python[], job: string, batches: readonly number[]): Entry[] {
  return writingIn(torches(pythons, "sentences.py"), job, batches);
}

/** Trees in PyTorch level by level, at its best with a dense and with a sparse gradient of words, and as it comes. */
export function torchTrees(pythons: readonly Python[], job: string): Entry[] {
  return torches(pythons, "trees.py").flatMap((library) => [
    ...tried(library, job, whole, { flush: true, fused: true, sparse: false }, ", subnormals off"),
    ...tried(
      library,
      job,
      { note: ", sparse gradients" },
      { flush: true, fused: false, sparse: true },
      ", subnormals off",
    ),
    ...tried(library, job, whole, { flush: false, fused: false, sparse: false }, " as it comes").map((entry) => ({
      ...entry,
      outOfBox: true,
    })),
  ]);
}

export function kerasTraining(pythons: readonly Python[], job: string, batching = whole): Entry[] {
  return pythons.flatMap((python) => {
    const { keras, tensorflow } = python.versions;
    if (keras === undefined || tensorflow === undefined) return [];
    const name = `Keras ${keras} on TensorFlow ${tensorflow}`;
    return tried({ peer: "Keras", program: "keras_tensorflow.py", name, python }, job, { masked: false, ...batching });
  });
}

export function jaxTraining(pythons: readonly Python[], job: string, batching = whole): Entry[] {
  return pythons.flatMap((python) => {
    const { jax } = python.versions;
    if (jax === undefined) return [];
    return tried({ peer: "JAX", program: "jax_scan.py", name: `JAX ${jax}`, python }, job, batching);
  });
}

/** All libraries in Python, on whole batches without padding. */
export function pythonTraining(pythons: readonly Python[], job: string): Entry[] {
  return [torchTraining, torchAsItComes, kerasTraining, jaxTraining].flatMap((entries) => entries(pythons, job));
}

export const oneDnnHint = "apt-get install g++ libdnnl-dev";

/** Compiles a program of `peers/`; undefined where there is no compiler or a library is missing. */
export async function compileNative(folder: string, source: string, ...flags: string[]): Promise<string | undefined> {
  const program = join(folder, source.replace(/\.cpp$/, ""));
  const args = ["-O2", "-std=c++17", here(`../../peers/${source}`), "-o", program, ...flags];
  return run("g++", args).then(
    () => program,
    () => undefined,
  );
}

/** oneDNN's LSTM, forward and backward, which draws its own weights. */
export function oneDnnTraining(program: string, { batch, time, embedding, units }: Task): Entry[] {
  const args = [batch, time, embedding, units].map(String);
  return [1, 2].map((threads) => {
    const name = `oneDNN LSTM alone, ${threadsOf(threads)}`;
    return { peer: "oneDNN", name, command: program, args, threads, tries: "oneDNN" };
  });
}
