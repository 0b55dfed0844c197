/** The op `scan`: ONNX's Scan, whose body reads constants from outside by their names. */
import type { Value } from "@ostinato/core";
import type { Emitter, Inside } from "./emission.ts";

const typeOf = ({ type }: Value) => type;

export const scan: Emitter<"scan"> = (node, emission) => {
  const { body, carries, sequences, reverse } = node.attrs;
  const handedIn = carries + sequences;
  const constants = body.parameters.slice(handedIn);
  // Named when the body reads them, because a file does not store their order.
  const outer = constants.map(
    (value, i) => [value.node, () => emission.name(node.inputs[handedIn + i] as Value)] as const,
  );
  const given = body.parameters.slice(0, handedIn);

  // Of the stacked outputs only those that are read: the steps' own, then the carries that each step began with.
  const steps = [...body.results.slice(carries), ...body.parameters.slice(0, carries)];
  const wanted = steps.flatMap((_, i) => (emission.reads(node, carries + i) ? [i] : []));
  const results = [...body.results.slice(0, carries), ...wanted.map((i) => steps[i] as Value)];

  const write = ({ inputs, compute }: Inside): string[] =>
    compute(results, new Map([...outer, ...given.map(({ node }, i) => [node, () => inputs[i] as string] as const)]));
  const backwards = (count: number): number[] | undefined =>
    reverse && count > 0 ? new Array<number>(count).fill(1) : undefined;
  const names = emission.addMany(
    "Scan",
    node.inputs.slice(0, handedIn).map(emission.name),
    {
      num_scan_inputs: sequences,
      scan_input_directions: backwards(sequences),
      scan_output_directions: backwards(wanted.length),
      body: { graph: emission.body(given.map(typeOf), results.map(typeOf), write) },
    },
    results.map(() => true),
  );
  const outputs = names.slice(0, carries);
  wanted.forEach((i, k) => {
    outputs[carries + i] = names[carries + k] as string;
  });
  return outputs;
};
