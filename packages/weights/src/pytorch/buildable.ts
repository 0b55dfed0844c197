/** Whether PyTorch has modules with the parts that are saved as one. */
import { ConfigError } from "@ostinato/core";
import { grouped } from "./grouped.ts";
import type { Slot } from "./slots.ts";
import { type Place, pathOf } from "./stateDict.ts";

/** A part of a model and where it is saved. */
export interface Placed {
  readonly slot: Slot;
  readonly place: Place;
}

const isReversed = ({ suffix }: Place): boolean => suffix.endsWith("_reverse");

/** The layer of a recurrent module: `l1`. */
const layerOf = ({ suffix }: Place): string => suffix.slice(1).replace("_reverse", "");

const sizesOf = ({
  shapes: { weight_ih = [], weight_hh = [] },
}: Slot): { readonly inputs: number; readonly units: number } => ({
  inputs: weight_ih[1] as number,
  units: weight_hh[1] as number,
});

function expectDirection({ slot: { label, reverse }, place }: Placed): void {
  if (reverse === isReversed(place)) return;
  const [own, other] = reverse ? ["end to start", "start to end"] : ["start to end", "end to start"];
  throw new ConfigError(
    `toPytorch: ${label} reads rows from ${own}, but "${pathOf(place)}" of a PyTorch module reads from ${other}; use bidirectional, or map a forward layer to "rnn.l0" and one with reverse: true to "rnn.l0_reverse"`,
  );
}

/** The layers of a recurrent module: numbered from 0, all with the same directions, each reading the outputs of the layer before. */
function expectLayers(module: string, parts: readonly Placed[]): void {
  parts.forEach(expectDirection);
  const layers = grouped(parts, ({ place }) => layerOf(place));
  const directions = parts.some(({ place }) => isReversed(place)) ? 2 : 1;
  for (let i = 0; i < layers.size; i++) {
    const own = layers.get(`l${i}`);
    if (own === undefined)
      throw new ConfigError(
        `toPytorch: the module "${module}" would have ${[...layers.keys()].join(", ")} but no l${i}; number its layers in map from 0 without gaps`,
      );
    const [{ slot: first }] = own as readonly [Placed];
    if (new Set(own.map(({ place }) => isReversed(place))).size < directions)
      throw new ConfigError(
        `toPytorch: ${first.label} would be the only direction of l${i} in the bidirectional module "${module}"; each of its layers needs both directions`,
      );
    const [inputs, outputs] = [sizesOf(first).inputs, directions * sizesOf(first).units];
    const wanted = i === 0 ? inputs : outputs;
    const other = own.find(({ slot }) => sizesOf(slot).inputs !== wanted);
    if (other)
      throw new ConfigError(
        `toPytorch: ${other.slot.label} reads ${sizesOf(other.slot).inputs} features, but l${i} of the module "${module}" would read ${wanted}${i === 0 ? "" : `, the outputs of l${i - 1}`}; give it a module of its own with map`,
      );
  }
}

/** @throws ConfigError for parts that no single PyTorch module has, with the parts and the module */
export function expectBuildable(parts: readonly Placed[]): void {
  const built = parts.filter(({ slot }) => slot.built !== undefined);
  for (const [module, group] of grouped(built, ({ place }) => place.module)) {
    const [first] = group as readonly [Placed];
    const other = group.find(({ slot }) => slot.built !== first.slot.built);
    if (other)
      throw new ConfigError(
        `toPytorch: ${first.slot.label} and ${other.slot.label} would be one module "${module}", but the first is a ${first.slot.built} and the second a ${other.slot.built}; give them different modules with map`,
      );
    if (first.slot.recurrent) expectLayers(module, group);
  }
}
