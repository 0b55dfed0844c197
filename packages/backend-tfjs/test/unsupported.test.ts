/** What tfjs lacks is told before any data moves, with what to import. */
import { tfjs } from "@ostinato/backend-tfjs";
import { ConfigError, UnsupportedOpError } from "@ostinato/core";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { expect, test } from "vitest";

test("a backend that was not imported", async () => {
  const wanted = tfjs(tf, { backend: "wasm" });
  await expect(wanted).rejects.toThrow(ConfigError);
  await expect(wanted).rejects.toThrow('import "@tensorflow/tfjs-backend-wasm" before calling');
});

test("a backend that does not start", async () => {
  tf.registerBackend("webgpu", async () => {
    throw new Error("no adapter");
  });
  const wanted = tfjs(tf, { backend: "webgpu" });
  await expect(wanted).rejects.toThrow(ConfigError);
  await expect(wanted).rejects.toThrow('tfjs could not start its backend "webgpu": no adapter');
});

test("a kernel that is not registered", async () => {
  tf.unregisterKernel("ScatterNd", "cpu");
  const wanted = tfjs(tf, { backend: "cpu" });
  await expect(wanted).rejects.toThrow(UnsupportedOpError);
  await expect(wanted).rejects.toThrow(
    'tfjs-cpu cannot run scatterAdd: the kernel ScatterNd is not registered; import all of "@tensorflow/tfjs-backend-cpu"',
  );
});
