/** Trainings for pages and workers: with steps of a wanted length, or aborted by a timer. */
import { cpu } from "@ostinato/backend-cpu";
import { tfjs } from "@ostinato/backend-tfjs";
import {
  adam,
  type Backend,
  binaryCrossentropy,
  compile,
  dense,
  embedding,
  lstm,
  sequential,
  type Trainer,
} from "@ostinato/core";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { wasm } from "../../src/index.ts";

/** A backend by name, or the number of threads of `wasm`. */
export type Choice = "cpu" | "tfjs-cpu" | "tfjs-wasm" | 1 | 2;

export async function backendOf(choice: Choice): Promise<Backend> {
  if (choice === "cpu") return cpu();
  if (choice === "tfjs-cpu") return tfjs(tf, { backend: "cpu" });
  if (choice !== "tfjs-wasm") return wasm({ threads: choice });
  setWasmPaths("/");
  return tfjs(tf, { backend: "wasm" });
}

declare function setTimeout(callback: () => void, milliseconds: number): unknown;
declare const AbortController: new () => { readonly signal: { readonly aborted: boolean }; abort(): void };
declare const performance: { now(): number };

const TIME = 40;

interface Examples {
  readonly x: readonly (readonly number[])[];
  readonly y: readonly number[];
}

function examples(rows: number, time = TIME): Examples {
  const x = Array.from({ length: rows }, (_, row) => Array.from({ length: time }, (_, t) => 1 + ((row * 7 + t) % 49)));
  return { x, y: x.map(([first = 0]) => first % 2) };
}

const trainerOn = (backend: Backend): Promise<Trainer> =>
  compile(
    sequential([
      embedding({ inputDim: 50, outputDim: 8, maskZero: true }),
      lstm({ units: 32 }),
      dense({ units: 1, activation: "sigmoid" }),
    ]),
    { backend, loss: binaryCrossentropy(), optimizer: adam(), seed: 1 },
  );

/** Milliseconds for a step, on average, of some steps of all rows. */
async function timeSteps(trainer: Trainer, data: Examples, steps: number): Promise<number> {
  const begin = performance.now();
  await trainer.fit(data, { epochs: steps, batchSize: data.x.length, shuffle: false });
  return (performance.now() - begin) / steps;
}

/** How many rows make a step of about so many milliseconds on this machine, when nothing else is going on. */
export async function rowsFor(backend: Backend, milliseconds: number): Promise<number> {
  await using trainer = await trainerOn(backend);
  // Compilers of the engine take a while to see what is worth compiling well.
  const begin = performance.now();
  while (performance.now() - begin < 300) await timeSteps(trainer, examples(8), 5);
  for (let rows = 8; ; ) {
    const data = examples(rows);
    await timeSteps(trainer, data, 1);
    let step = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 3; tries++) step = Math.min(step, await timeSteps(trainer, data, 1));
    if (step > milliseconds * 0.8) return Math.max(1, Math.floor((rows * milliseconds) / step));
    rows = Math.ceil(rows * Math.min(16, Math.max(1.2, milliseconds / step)));
  }
}

/** Trains for about a second, and tells how many milliseconds a step took. */
export async function trainASecond(backend: Backend, rows: number): Promise<number> {
  await using trainer = await trainerOn(backend);
  const data = examples(rows);
  const step = await timeSteps(trainer, data, 2);
  return await timeSteps(trainer, data, Math.max(3, Math.ceil(1000 / step)));
}

/** A `fit` of 1000 small epochs that a timer aborts after 100 ms: milliseconds to its end, or why it did not end so. An abort waits for a step. */
export async function abortSoon(backend: Backend): Promise<number | string> {
  await using trainer = await trainerOn(backend);
  // Short rows: a step of 40 takes tfjs-cpu up to 100 ms.
  const data = examples(256, 8);
  // Until the engine has compiled what a step runs.
  await trainer.fit(data, { epochs: 3, batchSize: 8 });
  const abort = new AbortController();
  const begin = performance.now();
  setTimeout(() => abort.abort(), 100);
  try {
    await trainer.fit(data, { epochs: 1000, batchSize: 8, signal: abort.signal });
  } catch (error) {
    return abort.signal.aborted ? performance.now() - begin : String(error);
  }
  return `1000 epochs ended within ${performance.now() - begin} ms`;
}
