/** Models that are chains of layers. */
import type { ModelSpec } from "@ostinato/core";

/** Whether each layer reads only the output of the layer before it. */
export function isChain({ inputs, layers, calls, outputs }: ModelSpec): boolean {
  const follows = calls.every(({ sources, layer }, i) => {
    const [source, ...others] = sources;
    const before =
      i === 0 ? source && "input" in source : source && "call" in source && source.call === i - 1 && !source.output;
    return before === true && others.length === 0 && layer === i;
  });
  const [end] = outputs;
  const ends = end && "call" in end.source && end.source.call === calls.length - 1 && !end.source.output;
  return inputs.length === 1 && outputs.length === 1 && follows && ends === true && layers.length === calls.length;
}
