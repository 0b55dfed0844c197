/** Who takes part, how each is started, and how to install those that are not npm packages. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { OwnOptions } from "./backends.ts";
import type { Entry } from "./contestant.ts";
import type { Product } from "./products.ts";

const run = promisify(execFile);
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

function nodeEntry(name: string, file: string, job: string, options: { readonly threads: number }): Entry {
  const args = ["--conditions=@ostinato/source", "--disable-warning=ExperimentalWarning", here(file), job];
  return { name, command: process.execPath, args: [...args, JSON.stringify(options)], threads: options.threads };
}

const threadsOf = (count: number): string => `${count} ${count === 1 ? "thread" : "threads"}`;
const ownName = ({ backend, threads, simd }: OwnOptions): string => {
  if (backend === "cpu") return "Ostinato cpu";
  return `Ostinato wasm, ${threadsOf(threads)}${simd === "relaxed" ? ", 128-bit as in browsers" : ""}`;
};

export function ownTraining(job: string, options: OwnOptions, note = ""): Entry {
  return nodeEntry(`${ownName(options)}${note}`, "./own-train.ts", job, options);
}

export function ownPrediction(job: string, options: OwnOptions): Entry {
  return nodeEntry(ownName(options), "./predict.ts", job, options);
}

export function onnxruntimePrediction(job: string, threads: number): Entry {
  const options = { backend: "onnxruntime", threads };
  return nodeEntry(`ONNX Runtime, ${threadsOf(threads)}`, "./predict.ts", job, options);
}

export function ownProduct(product: Product, options: OwnOptions): Entry {
  return nodeEntry(ownName(options), "./own-product.ts", "", { ...options, ...{ product } });
}

export function jaxProduct(product: Product): Entry {
  return nodeEntry("jax-js wasm", "./jax-product.ts", "", { threads: 1, ...{ product } });
}

export function tfjsTraining(job: string, backend: "cpu" | "wasm", note = ""): Entry {
  return nodeEntry(`tfjs-layers ${backend}${note}`, "./tfjs.ts", job, { ...{ backend }, threads: 1 });
}

export const torchHint = "apt-get install python3-torch libopenblas0-pthread";
export const oneDnnHint = "apt-get install g++ libdnnl-dev";

/** The Python that has PyTorch: Debian's own, else the first on the path. */
export async function findTorch(): Promise<string | undefined> {
  for (const python of ["/usr/bin/python3", "python3"]) {
    const found = await run(python, ["-c", "import torch"]).then(
      () => true,
      () => false,
    );
    if (found) return python;
  }
  return undefined;
}

export function torchTraining(python: string, job: string, threads: number, padTo?: number, note = ""): Entry {
  const options = JSON.stringify({ threads, ...(padTo === undefined ? {} : { padTo }) });
  const args = [here("../../peers/torch_steps.py"), job, options];
  return { name: `PyTorch, ${threadsOf(threads)}${note}`, command: python, args, threads };
}

/** Compiles the program that steps oneDNN's LSTM; undefined where there is no compiler or no oneDNN. */
export async function compileOneDnn(folder: string): Promise<string | undefined> {
  const program = join(folder, "onednn");
  const args = ["-O2", "-std=c++17", here("../../peers/onednn.cpp"), "-o", program, "-ldnnl"];
  return run("g++", args).then(
    () => program,
    () => undefined,
  );
}

export interface LstmSizes {
  readonly batch: number;
  readonly time: number;
  readonly embedding: number;
  readonly units: number;
}

export function oneDnnTraining(program: string, sizes: LstmSizes, threads: number): Entry {
  const args = [sizes.batch, sizes.time, sizes.embedding, sizes.units].map(String);
  return { name: `oneDNN LSTM alone, ${threadsOf(threads)}`, command: program, args, threads };
}
