/** The layers with weights in a Keras file. */
import type { Dataset } from "../hdf5/dataset.ts";
import type { Group } from "../hdf5/read.ts";
import type { KerasFile } from "./files.ts";
import { folderOf, type LayerModules, variablesAt, wantedOf } from "./variables.ts";

/** A layer of a file with its weights. */
export interface Stored {
  /** Its possible names. */
  readonly names: readonly string[];
  /** The kind of layer in the file's notation, `lstm`; unknown for Keras 2. */
  readonly className: string | undefined;
  /** The shapes of its weights, in order. */
  readonly shapes: readonly (readonly number[])[];
  /** The arrays of each part of our layer. */
  arrays(layer: LayerModules): readonly (readonly Dataset[])[];
}

/** All arrays in a group and its subgroups, in the order of their paths. */
const arraysBelow = (group: Group): Dataset[] =>
  [...group.members.values()].flatMap((member) => (member.kind === "group" ? arraysBelow(member) : [member]));

/** The layers with weights in a Keras 3 file, including those of nested models. */
function placedLayers(group: Group, path: string): Stored[] {
  const layers = group.members.get("layers") ?? group.members.get("_layer_checkpoint_dependencies");
  if (layers?.kind !== "group") return [];
  const found = [...layers.members].flatMap(([file, layer]): (Stored & { readonly order: number })[] => {
    if (layer.kind !== "group") return [];
    const [, className = file, count = "0"] = /^(.*?)(?:_(\d+))?$/.exec(file) ?? [];
    const order = Number(count);
    const inside = placedLayers(layer, `${path}${file}/`);
    if (inside.length > 0) return inside.map((one) => ({ ...one, order }));
    const vars = layer.members.get("vars");
    const name = vars?.kind === "group" ? vars.attributes.name : undefined;
    const shapes = arraysBelow(layer).map(({ shape }) => shape);
    if (shapes.length === 0) return [];
    return [
      {
        names: [...(typeof name === "string" ? [name] : []), path + file],
        className,
        shapes,
        order,
        arrays: ({ modules }) => modules.map((module) => variablesAt(layer, folderOf(module))),
      },
    ];
  });
  return found.sort((a, b) => a.order - b.order);
}

/** The layers with weights in a file. */
export function storedLayers({ weights }: KerasFile): Stored[] {
  if (weights.kind === "placed") return placedLayers(weights.root, "");
  return [...weights.layers]
    .filter(([, arrays]) => arrays.length > 0)
    .map(([name, arrays]) => ({
      names: [name],
      className: undefined,
      shapes: arrays.map(({ shape }) => shape),
      arrays: (layer) => {
        let at = 0;
        return layer.modules.map((module) => {
          const from = at;
          at += wantedOf(name, module).length;
          return arrays.slice(from, at);
        });
      },
    }));
}
