/** How much memory grows between two steps of a training, or while sequences are written, in Node. */
import { accuracy, adam, type Backend, binaryCrossentropy, compile, generate, sequenceModel } from "@ostinato/core";
import { ragged, translating } from "./suite/recurrent/decoding.ts";
import { textModel } from "./suite/recurrent/textModel.ts";

/** What this takes of Node, whose types are not seen here. */
interface Host {
  readonly process: {
    getBuiltinModule(name: "node:v8"): { setFlagsFromString(flags: string): void };
    getBuiltinModule(name: "node:vm"): { runInNewContext(code: string): () => void };
    memoryUsage(): { readonly heapUsed: number; readonly arrayBuffers: number };
  };
}

export interface Growth {
  /** The share by which heap and array buffers together grow. */
  readonly heap: number;
  /** Bytes by which what the backend holds outside of them grows. */
  readonly held: number;
}

/** Tells the bytes of heap and array buffers together, garbage collected. */
function heapMeter(): () => number {
  const { process } = globalThis as unknown as Host;
  process.getBuiltinModule("node:v8").setFlagsFromString("--expose-gc");
  const collect = process.getBuiltinModule("node:vm").runInNewContext("gc");
  return () => {
    for (let k = 0; k < 3; k++) collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
}

/** The growth from step `from` to step `to`, garbage collected at both. `held` tells what the backend holds outside of the heap. */
export async function memoryGrowth(
  backend: Backend,
  from: number,
  to: number,
  held: () => number = () => 0,
): Promise<Growth> {
  const heap = heapMeter();
  const x = Array.from({ length: to }, (_, row) =>
    Array.from({ length: 1 + (row % 5) }, (_, t) => 1 + ((row + t) % 9)),
  );
  const model = textModel({ words: 12, dropout: 0.2 });
  const settings = { loss: binaryCrossentropy(), optimizer: adam(), metrics: [accuracy()] };
  const sizes = new Map<number, { heap: number; held: number }>();
  const onStep = ({ step }: { step: number }): void => {
    if (step !== from && step !== to) return;
    sizes.set(step, { heap: heap(), held: held() });
  };
  // Once before, for what the engine compiles and keeps of the code itself.
  for (let round = 0; round < 2; round++) {
    await using trainer = await compile(model, { backend, ...settings });
    await trainer.fit({ x, y: x.map((row) => row.length % 2) }, { batchSize: 1, onStep });
  }
  const [first, last] = [sizes.get(from), sizes.get(to)];
  if (!first || !last) throw new Error(`the training had fewer than ${to} steps`);
  return { heap: last.heap / first.heap - 1, held: last.held - first.held };
}

/** The growth over 200 calls of `generate` with one model, of other sources and options each time. */
export async function writingGrowth(backend: Backend, held: () => number = () => 0): Promise<Growth> {
  const heap = heapMeter();
  await using writer = await sequenceModel(translating(), { backend });
  const write = async (calls: number): Promise<{ heap: number; held: number }> => {
    for (let call = 0; call < calls; call++) {
      const source = ragged.slice(call % 3, (call % 3) + 1 + (call % 2));
      const limits = call % 5 === 0 ? { noRepeatNgramSize: 2 } : {};
      const options = { beamSize: 1 + (call % 4), maxLength: 6, returnAttention: call % 2 === 0, ...limits };
      await generate(writer, { source }, { start: 1, end: 2, ...options });
    }
    return { heap: heap(), held: held() };
  };
  // What comes once: programs for each form of a step, and code that the engine compiles.
  await write(200);
  const [first, last] = [await write(60), await write(200)];
  return { heap: last.heap / first.heap - 1, held: last.held - first.held };
}
