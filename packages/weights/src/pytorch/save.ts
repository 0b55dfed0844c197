/** Saves the weights of a trained model for PyTorch. */
import { ConfigError, encodeSafetensors, type Float32Tensor, OptionReader, type Trained } from "@ostinato/core";
import { expectTrained } from "../given.ts";
import { expectBuildable } from "./buildable.ts";
import { type ModuleMap, placeOf, readMap } from "./map.ts";
import { type Slot, slotsOf } from "./slots.ts";
import { fullName, type Place } from "./stateDict.ts";

/** Options of `toPytorch`. */
export interface ToPytorchOptions {
  /** Module names, if they differ from the layer names: `{ lstm: "rnn.l0", lstm_1: "rnn.l1" }` saves two layers as one `nn.LSTM` with `num_layers=2`. */
  readonly map?: ModuleMap;
}

/**
 * Saves the weights as a safetensors file for PyTorch. Modules are named after the layers, `lstm.weight_ih_l0` or `dense.weight`; the metadata is `{ format: "pt" }`.
 * Where PyTorch has two biases and we have one, the second is zero. Parameters of layers that PyTorch does not have keep their names and layout. The weight of a tied embedding
 * is stored once, with its other name in the metadata, as `safetensors.torch.save_model` does.
 *
 * @throws ConfigError for layers whose formula PyTorch does not have, such as `gru` with `resetAfter: false`, or `reverse: true` outside of `bidirectional`; for a map with an
 * unknown part, or with a module that PyTorch cannot build of its parts; and if two tensors would have the same name
 *
 * @example await writeFile("model.safetensors", toPytorch(trained, { map: { embedding: "words", lstm: "rnn", dense: "head" } }));
 */
export function toPytorch(trained: Trained, options: ToPytorchOptions = {}): Uint8Array {
  new OptionReader("toPytorch", options, ["map"]);
  expectTrained("toPytorch", trained);
  const slots = slotsOf(trained);
  const said = readMap("toPytorch", options.map, slots);
  const places = new Map(slots.map((slot) => [slot, placeOf(slot, said(slot) ?? slot.module)]));
  const nameOf = (slot: Slot, name: string): string => fullName(places.get(slot) as Place, name);
  const tensors = new Map<string, Float32Tensor>();
  const metadata: Record<string, string> = { format: "pt" };
  for (const slot of slots) {
    const embedding = slots.find(({ path }) => path === slot.tiedTo);
    for (const [name, tensor] of Object.entries(slot.to(trained.weights))) {
      const full = nameOf(slot, name);
      if (tensors.has(full))
        throw new ConfigError(
          `toPytorch: ${slot.label} and another part would both be "${full}"; give them different names with map`,
        );
      if (embedding && name === "weight") metadata[full] = nameOf(embedding, name);
      else tensors.set(full, tensor);
    }
  }
  expectBuildable([...places].map(([slot, place]) => ({ slot, place })));
  return encodeSafetensors({ tensors: Object.fromEntries(tensors), metadata });
}
