/** Models from PyTorch's exporters: the results of PyTorch at all sizes and on several backends, and further training. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cpu } from "@ostinato/backend-cpu";
import { wasm } from "@ostinato/backend-wasm";
import { checkGradients } from "@ostinato/conformance";
import {
  adam,
  compile,
  float32,
  graphForm,
  type Inputs,
  int32,
  meanSquaredError,
  nodesOf,
  predictor,
  rootsOf,
  type Trained,
  type Value,
} from "@ostinato/core";
import { exportOnnx, importOnnx } from "@ostinato/onnx";
import { onnxPredictor } from "@ostinato/onnx/node";
import { describe, expect, test } from "vitest";
import golden from "./golden/pytorch.json" with { type: "json" };

interface Numbers {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Run {
  readonly inputs: Readonly<Record<string, Numbers>>;
  readonly outputs: Readonly<Record<string, Numbers>>;
}

const cases = golden as unknown as Readonly<
  Record<string, { readonly files: Readonly<Record<string, string>>; readonly runs: readonly Run[] }>
>;

const backends = { cpu, wasm };

/** Transposes rows to the first axis if they are the second. */
function batchFirst({ shape, data }: Numbers): Numbers {
  const [first, rows, size] = shape as [number, number, number];
  const turned = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: first }, (_, i) => data.slice((i * rows + row) * size, (i * rows + row + 1) * size)),
  );
  return { shape: [rows, first, size], data: turned.flat(2) };
}

/** States of several layers as features of each row. */
function flattened(numbers: Numbers): Numbers {
  const { shape, data } = batchFirst(numbers);
  return { shape: [shape[0] as number, (shape[1] as number) * (shape[2] as number)], data };
}

/** Axes with another order in the file, by the name of the model and of the input or output. */
const layouts: Readonly<Record<string, (numbers: Numbers) => Numbers>> = {
  "time first/x": batchFirst,
  "time first/y": batchFirst,
  "states/h": flattened,
  "states/last": flattened,
};

const laidOut = (name: string, of: string, numbers: Numbers): Numbers => layouts[`${name}/${of}`]?.(numbers) ?? numbers;

/** Rows cut to their lengths. */
function ragged({ shape, data }: Numbers, lengths: readonly number[]): number[][] | number[][][] {
  const [, time = 1, size] = shape;
  return lengths.map((length, row) =>
    Array.from({ length }, (_, step) => {
      const at = row * time + step;
      return size === undefined ? (data[at] as number) : data.slice(at * size, (at + 1) * size);
    }),
  ) as number[][];
}

function inputsOf({ spec }: Trained, name: string, { inputs }: Run): Inputs {
  const lengths = inputs.lengths?.data;
  const given = spec.inputs.map(({ name: input, kind }) => {
    const numbers = laidOut(name, input, inputs[input] as Numbers);
    if (lengths) return [input, ragged(numbers, lengths)] as const;
    return [input, kind === "ids" ? int32(numbers.shape, numbers.data) : float32(numbers.shape, numbers.data)] as const;
  });
  return (given.length === 1 ? given[0]?.[1] : Object.fromEntries(given)) as Inputs;
}

/** The largest difference from PyTorch's outputs. */
function differenceOf(
  name: string,
  { outputs, inputs }: Run,
  given: Readonly<Record<string, { shape: readonly number[]; data: Float32Array }>>,
): number {
  let largest = 0;
  for (const [output, numbers] of Object.entries(outputs)) {
    const wanted = laidOut(name, output, numbers);
    const found = given[output];
    expect(found?.shape, output).toEqual(wanted.shape);
    const [, time = 1, size = 1] = wanted.shape;
    wanted.data.forEach((number, i) => {
      // After the end of a row, predictions are zero.
      const [row, step] = [Math.floor(i / (time * size)), Math.floor(i / size) % time];
      const isPadding = inputs.lengths && wanted.shape.length === 3 && step >= (inputs.lengths.data[row] as number);
      if (!isPadding) largest = Math.max(largest, Math.abs((found?.data[i] as number) - number));
    });
  }
  return largest;
}

async function expectRuns(name: string, trained: Trained, runs: readonly Run[], backend: keyof typeof backends) {
  await using model = await predictor(trained, { backend: await backends[backend]() });
  for (const run of runs)
    expect(differenceOf(name, run, await model.predictAll(inputsOf(trained, name, run)))).toBeLessThan(1e-5);
}

const refused: Readonly<Record<string, RegExp>> = {
  "plain recurrence, fixed": /axis 1 of the input "tokens" to be 7: export it again with dynamic sizes/,
  "convolved, script": /\(Conv\): the operator Conv is not supported/,
  "bag, script": /the range from 0 to batch·time by time has an unsupported number of elements/,
};

const files = Object.entries(cases).flatMap(([name, { files: byExporter, runs }]) =>
  Object.entries(byExporter).map(([exporter, file]) => ({
    name,
    label: `${name}, ${exporter}`,
    bytes: new Uint8Array(Buffer.from(file, "base64")),
    runs,
  })),
);
const read = files.filter(({ label }) => !(label in refused));

describe("files of PyTorch compute what PyTorch computes", () => {
  for (const backend of ["cpu", "wasm"] as const)
    test.each(read)(`$label: ${backend}`, async ({ name, bytes, runs }) => {
      await expectRuns(name, importOnnx(bytes), runs, backend);
    });
});

test.each(files.filter(({ label }) => label in refused))("$label is refused with the way out", ({ label, bytes }) => {
  expect(() => importOnnx(bytes)).toThrow(refused[label]);
});

test.each(read.filter(({ runs }) => !runs[0]?.inputs.lengths))(
  "$label: written again it is run by onnxruntime",
  async ({ name, bytes, runs: [run] }) => {
    const trained = importOnnx(bytes);
    await using session = await onnxPredictor(exportOnnx(trained));
    expect(differenceOf(name, run as Run, await session.predictAll(inputsOf(trained, name, run as Run)))).toBeLessThan(
      1e-5,
    );
  },
);

/** The states of a graph by name. */
const statesOf = (values: readonly Value[]): Value[] =>
  nodesOf(values).flatMap((node) =>
    node.op === "input" && node.attrs.kind === "state" ? [{ node, output: 0, type: node.outputs[0] } as Value] : [],
  );

test.each(["masked mean, script", "attention, script"])("%s: gradients are right in double precision", (label) => {
  const { bytes, runs, name } = read.find((each) => each.label === label) as (typeof read)[number];
  const trained = importOnnx(bytes);
  const { graph, state } = graphForm(trained) as NonNullable<ReturnType<typeof graphForm>>;
  const run = runs[1] as Run;
  const fed = trained.spec.inputs.map(({ name: input }) => [
    input,
    Object.values({ x: inputsOf(trained, name, run) })[0],
  ]);
  const outputs = rootsOf(graph);
  checkGradients({ outputs, wrt: statesOf(outputs), feeds: Object.fromEntries(fed), state });
});

/** The losses of a model that learns to return the output of the next row for each row. */
async function lossesOf(trained: Trained, name: string, run: Run, backend: keyof typeof backends) {
  const [output] = trained.spec.outputs;
  const { shape, data } = laidOut(name, output?.name as string, run.outputs[output?.name as string] as Numbers);
  const row = data.length / (shape[0] as number);
  const y = float32(shape, [...data.slice(row), ...data.slice(0, row)]);
  const loss = Object.fromEntries(trained.spec.outputs.slice(0, 1).map((each) => [each.name, meanSquaredError()]));
  const x = inputsOf(trained, name, run);
  await using trainer = await compile(trained, {
    backend: await backends[backend](),
    loss: trained.spec.outputs.length === 1 ? meanSquaredError() : loss,
    optimizer: adam({ learningRate: 0.01 }),
    seed: 1,
  } as Parameters<typeof compile>[1]);
  const { loss: before } = await trainer.evaluate({ x, y } as never);
  await trainer.fit({ x, y } as never, { epochs: 40 });
  const { loss: after } = await trainer.evaluate({ x, y } as never);
  return { before: before as number, after: after as number };
}

test.each([
  ["last step, dynamo", "cpu"],
  ["normalized, script", "wasm"],
  ["masked mean, script", "cpu"],
] as const)("%s goes on learning: %s", async (label, backend) => {
  const { bytes, runs, name } = read.find((each) => each.label === label) as (typeof read)[number];
  const { before, after } = await lossesOf(importOnnx(bytes), name, runs[0] as Run, backend);
  expect(after).toBeLessThan(before / 2);
});

/** Further files with their outputs. */
const folder = join(import.meta.dirname, "../../../../../shared/data/pytorch-files");

interface Recorded {
  readonly file: string;
  readonly cases: readonly { readonly x: Numbers; readonly y: Numbers }[];
}

if (existsSync(folder)) {
  const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as {
    readonly cases: Record<string, Recorded>;
  };
  const recorded = Object.entries(expected.cases).filter(([, { file }]) => file.endsWith(".onnx"));
  describe("recorded files of PyTorch", () => {
    test.each(recorded)("%s", async (_name, { file, cases: given }) => {
      const trained = importOnnx(new Uint8Array(readFileSync(join(folder, file))));
      const [input, output] = [trained.spec.inputs[0]?.name as string, trained.spec.outputs[0]?.name as string];
      const runs = given.map(({ x, y }): Run => ({ inputs: { [input]: x }, outputs: { [output]: y } }));
      for (const backend of ["cpu", "wasm"] as const) await expectRuns("recorded", trained, runs, backend);
      const { before, after } = await lossesOf(trained, "recorded", runs[0] as Run, "cpu");
      expect(after).toBeLessThan(before / 2);
    });
    test("there are some", () => {
      expect(recorded.length).toBeGreaterThan(3);
    });
  });
} else {
  console.info(`skipped: recorded files of PyTorch, since ${folder} is not there`);
}
