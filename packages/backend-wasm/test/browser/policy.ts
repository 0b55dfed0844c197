/** Runs in a page under a Content-Security-Policy: what `wasm()` comes to there, and whether it trains. */
import { adam, binaryCrossentropy, compile, dense, embedding, lstm, sequential } from "@ostinato/core";
import { type WasmOptions, wasm } from "../../src/index.ts";

export interface Outcome {
  /** The backend's name, where there is one. */
  readonly backend?: string;
  readonly losses?: readonly number[];
  /** The error, where there is one: its name and its message. */
  readonly name?: string;
  readonly message?: string;
}

async function attempt(options?: WasmOptions): Promise<Outcome> {
  try {
    const backend = await wasm(options);
    const model = sequential([
      embedding({ inputDim: 3, outputDim: 4 }),
      lstm({ units: 4 }),
      dense({ units: 1, activation: "sigmoid" }),
    ]);
    await using trainer = await compile(model, { backend, loss: binaryCrossentropy(), optimizer: adam(), seed: 1 });
    const x = [
      [0, 1],
      [1, 0],
    ];
    const { epochs } = await trainer.fit({ x, y: [0, 1] }, { epochs: 3 });
    return { backend: backend.name, losses: epochs.map(({ loss }) => Number(loss)) };
  } catch (error) {
    return { name: (error as Error).name, message: (error as Error).message };
  }
}

Object.assign(globalThis, { attempt });
