/** A predictor behind an HTTP server, on each backend: requests that come at once all get their own right answers. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type BackendName, backendNames, backends } from "@ostinato/app";
import {
  binaryCrossentropy,
  compile,
  dense,
  embedding,
  lstm,
  type Predictor,
  predictor,
  RandomStream,
  sequential,
  sgd,
  type Trained,
} from "@ostinato/core";
import { exportOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { expect, test } from "vitest";

const model = sequential([
  embedding({ inputDim: 50, outputDim: 8, maskZero: true }),
  lstm({ units: 16 }),
  dense({ units: 1, activation: "sigmoid" }),
]);

const random = new RandomStream(1, "requests");
const rows = Array.from({ length: 200 }, () =>
  Array.from({ length: 1 + random.below(20) }, () => 1 + random.below(49)),
);

async function untrained(): Promise<Trained> {
  const objective = { loss: binaryCrossentropy(), optimizer: sgd(), seed: 1 };
  await using trainer = await compile(model, { backend: await backends.cpu(), ...objective });
  return trainer.snapshot();
}

type Open = (trained: Trained) => Promise<Predictor>;

const on =
  (name: BackendName, options = {}): Open =>
  async (trained) =>
    predictor(trained, { backend: await backends[name](options) });

const openings: Readonly<Record<string, Open>> = {
  ...Object.fromEntries(backendNames.map((name) => [name, on(name)])),
  "wasm with 1 thread": on("wasm", { threads: 1 }),
  "wasm with 2 threads": on("wasm", { threads: 2 }),
  onnxruntime: (trained) => onnxPredictor(exportOnnx(trained)),
};

for (const [name, open] of Object.entries(openings)) {
  test(`200 requests at once on ${name}`, async () => {
    await using alone = await open(await untrained());
    const expected: number[] = [];
    for (const row of rows) expected.push((await alone.predict([row])).data[0] as number);

    const server = createServer(async (request, response) => {
      const ids = new URL(request.url ?? "", "http://localhost").searchParams.get("ids")?.split(",").map(Number) ?? [];
      const answer = await alone.predict([ids]).then(
        ({ data }) => ({ probability: data[0] }),
        (error: unknown) => ({ error: String(error) }),
      );
      response.end(JSON.stringify(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const answers = await Promise.all(
        rows.map(async (row) => {
          const response = await fetch(`http://127.0.0.1:${port}/?ids=${row.join()}`);
          return (await response.json()) as { readonly probability?: number };
        }),
      );
      expect(answers.map(({ probability }) => probability)).toEqual(expected);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
}
