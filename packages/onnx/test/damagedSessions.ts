/** Damaged files in onnxruntime: each gives a typed error or runs, and none aborts the process. */
import { expectHarmless } from "@ostinato/conformance";
import { float32, int32, RandomStream, type Tensor } from "@ostinato/core";
import { exportOnnx, graphToOnnx } from "@ostinato/onnx";
import { openSession } from "@ostinato/onnx/node";
import { forest, recurrent, recurrentBothWays, sentiment, trees } from "./models.ts";

/** The feeds for a damaged file, by input name. */
const feeds: Readonly<Record<string, Tensor>> = {
  ids: int32([2, 3], [1, 2, 3, 4, 0, 1]),
  x: float32([2, 3, 3], new Float32Array(18).fill(0.5)),
  lengths: int32([2], [3, 1]),
  ...forest(),
};

/** Opens files a given number of times, each damaged differently, and runs those that open. */
export function damageSessions(count: number, seed: number) {
  const graphs = [
    sentiment({ words: 5, units: 4 }),
    recurrent("lstm", { lengths: true }),
    recurrentBothWays("gru", { lengths: true }),
  ];
  const files = [...graphs.map(({ graph, state }) => graphToOnnx(graph, state)), exportOnnx(trees())];
  const open = async (bytes: Uint8Array): Promise<void> => {
    const session = await openSession(bytes, { threads: 1 });
    try {
      const given = session.inputs.flatMap(({ name }) => (feeds[name] ? [[name, feeds[name]] as const] : []));
      await session.run(Object.fromEntries(given));
    } finally {
      await session.dispose();
    }
  };
  return expectHarmless(files, open, count, new RandomStream(seed, "damage"));
}
