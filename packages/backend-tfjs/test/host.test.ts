/** The app's own tfjs: what it has active, its tensors, and the backends that it shares with us. One story, told in order. */
import { tfjs } from "@ostinato/backend-tfjs";
import {
  adam,
  compile,
  dense,
  feed,
  float32,
  input,
  lstm,
  meanAbsoluteError,
  StateError,
  sequential,
} from "@ostinato/core";
import { add } from "@ostinato/core/graph";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { describe, expect, test } from "vitest";
import { elements, programOf, results } from "./programs.ts";

const x = feed("x", "float32", ["batch"]);
const twice = { y: add(x, x) };
const feeds = { x: float32([3], [1, 2, 3]) };

describe("beside an app that uses tfjs", () => {
  test("nothing becomes active where the app has chosen nothing", async () => {
    const backend = await tfjs(tf, { backend: "cpu" });
    expect(elements(await results(backend, twice, feeds), "y")).toEqual([2, 4, 6]);
    expect(tf.getBackend()).toBeUndefined();
  });

  test("the active backend works on while another starts, and stays active with its tensors", async () => {
    await tf.setBackend("cpu");
    const own = tf.tensor1d([1, 2]);
    const starting = tfjs(tf, { backend: "wasm" });
    expect([...tf.add(own, 1).dataSync()]).toEqual([2, 3]);
    const backend = await starting;
    const tensors = tf.memory().numTensors;
    expect(elements(await results(backend, twice, feeds), "y")).toEqual([2, 4, 6]);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(tf.getBackend()).toBe("cpu");
    expect([...own.dataSync()]).toEqual([1, 2]);
    own.dispose();
  });

  test("the app's count of its tensors is left alone by a training", async () => {
    const backend = await tfjs(tf, { backend: "cpu" });
    const net = sequential([input({ shape: ["time", 2] }), lstm({ units: 3 }), dense({ units: 1 })]);
    const loss = meanAbsoluteError();
    await using trainer = await compile(net, { backend, loss, optimizer: adam() });
    const { numTensors, numDataBuffers } = tf.memory();
    await trainer.fit(
      {
        x: [
          [
            [1, 2],
            [3, 4],
          ],
          [
            [5, 6],
            [7, 8],
          ],
        ],
        y: [1, 2],
      },
      { epochs: 3 },
    );
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
  });

  test("an app that turns to the same backend shares it, in the middle of our work", async () => {
    const [backend, again] = await Promise.all([tfjs(tf, { backend: "wasm" }), tfjs(tf, { backend: "wasm" })]);
    await using session = await backend.open({});
    const { run } = await session.compile(programOf(backend, { fetches: twice }));
    expect(elements(await run(feeds), "y")).toEqual([2, 4, 6]);
    await tf.setBackend("wasm");
    expect([...tf.add(tf.tensor1d([1, 2]), 1).dataSync()]).toEqual([2, 3]);
    expect(elements(await run(feeds), "y")).toEqual([2, 4, 6]);
    expect(elements(await results(again, twice, feeds), "y")).toEqual([2, 4, 6]);
    const scoped = tf.tidy(() => tf.add(tf.tensor1d([3, 4]), 1));
    expect([...scoped.dataSync()]).toEqual([4, 5]);
  });

  test("an app that removes the backend is told at the next run", async () => {
    const backend = await tfjs(tf, { backend: "cpu" });
    const session = await backend.open({});
    const { run } = await session.compile(programOf(backend, { fetches: twice }));
    tf.removeBackend("cpu");
    await expect(run(feeds)).rejects.toThrow(StateError);
    await expect(run(feeds)).rejects.toThrow('removed or replaced the backend "cpu"');
  });
});
