/** Splits layers that contain both the encoder and the step of a sequence model, such as a graph from another library. */
import { definitionOf, type LayerSpec, withDefinition } from "../layer.ts";
import type { CallSpec, ModelSpec, Source } from "../spec.ts";

/** The same model, with each splittable layer split into a part that depends on the tokens and a part that does not. */
export function halved(spec: ModelSpec, target: number): ModelSpec {
  const layers = [...spec.layers];
  const calls: CallSpec[] = [];
  /** For each call, whether it depends on the tokens; then, for each original call, the location of its results. */
  const isStep: boolean[] = [];
  const results: ((output: number) => Source)[] = [];
  const moved = (source: Source): Source =>
    "input" in source ? source : (results[source.call] as (typeof results)[number])(source.output ?? 0);
  const hangsOn = (source: Source): boolean =>
    "input" in source ? source.input === target : isStep[source.call] === true;
  const call = (layer: number, sources: readonly Source[]): number => {
    isStep.push(sources.some(hangsOn));
    return calls.push({ layer, sources }) - 1;
  };
  const resultOf = (place: number, output: number): Source =>
    output === 0 ? { call: place } : { call: place, output };
  for (const { layer, sources } of spec.calls) {
    const own = spec.layers[layer] as LayerSpec & { readonly name: string };
    const read = sources.map(moved);
    const late = read.map(hangsOn);
    const halves =
      late.includes(true) && late.includes(false) ? definitionOf(own).halves?.(own.config, late) : undefined;
    if (halves === undefined) {
      const place = call(layer, read);
      results.push((output) => resultOf(place, output));
      continue;
    }
    const [early, after] = [halves.early, halves.late].map((half) => ({
      layer: layers.push(withDefinition({ ...half.layer, name: own.name }, definitionOf(half.layer))) - 1,
      read: half.inputs.map((input) => read[input] as Source),
    })) as [{ layer: number; read: Source[] }, { layer: number; read: Source[] }];
    const first = call(early.layer, early.read);
    const crossing = Array.from({ length: halves.crossing }, (_, output) => resultOf(first, output));
    const second = call(after.layer, [...after.read, ...crossing]);
    results.push((output) => {
      const at = halves.outputs[output] as (typeof halves.outputs)[number];
      return resultOf(at.early ? first : second, at.output);
    });
  }
  if (layers.length === spec.layers.length) return spec;
  return {
    ...spec,
    layers,
    calls,
    outputs: spec.outputs.map(({ name, source }) => ({ name, source: moved(source) })),
  };
}
