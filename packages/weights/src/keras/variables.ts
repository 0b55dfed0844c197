/** Locates and converts the weights of a layer in Keras files. */
import { type Float32Tensor, type Model, ModelFileError, showShape } from "@ostinato/core";
import { fromLibrary, isConverted, shapesIn, toLibrary } from "../conversions.ts";
import type { Dataset } from "../hdf5/dataset.ts";
import type { Group } from "../hdf5/read.ts";
import type { Written, WrittenGroup } from "../hdf5/write.ts";
import { type Module, modulesOf } from "../modules.ts";
import { damaged } from "./json.ts";
import { rowsByKind } from "./table.ts";

/** The parts of a layer that have weights, in Keras's order. */
export interface LayerModules {
  /** The name of the layer here. */
  readonly layer: string;
  readonly modules: readonly Module[];
}

/** The layers of a model that have weights. */
export function layersWithWeights(model: Model): LayerModules[] {
  const layers = new Map<string, Module[]>();
  for (const module of modulesOf(model)) {
    const [layer] = module.path.split("/") as [string];
    layers.set(layer, [...(layers.get(layer) ?? []), module]);
  }
  return [...layers].map(([layer, modules]) => ({ layer, modules }));
}

const folders: Readonly<Record<string, string>> = {
  forward: "forward_layer",
  backward: "backward_layer",
  layer: "layer",
};

/** The folder of a part in the folder of its layer: `forward_layer/cell/`. */
export function folderOf({ path, kind }: Module): string {
  const inside = path
    .split("/")
    .slice(1)
    .map((part) => `${folders[part] ?? part}/`);
  return `${inside.join("")}${rowsByKind.get(kind)?.inCell ? "cell/" : ""}`;
}

/** The Keras weights of a part: names and shapes, in order. */
export function wantedOf(
  owner: string,
  { kind, shapes }: Module,
): (readonly [name: string, shape: readonly number[]])[] {
  if (!isConverted(kind)) throw new ModelFileError(`${owner}: Keras has no weights for ${kind}`);
  return Object.entries(shapesIn("keras", kind, shapes));
}

/** Shapes as text for comparing layers. Their order is ignored, because files sort parts by name. */
export const signatureOf = (shapes: readonly (readonly number[])[]): string => shapes.map(showShape).sort().join("; ");

/** The shapes of a layer in Keras. */
export const shapesOf = (owner: string, { modules }: LayerModules): (readonly number[])[] =>
  modules.flatMap((module) => wantedOf(owner, module).map(([, shape]) => shape));

/** The group or array at a path; undefined if it does not exist. */
export function memberAt(group: Group, path: string): Group | Dataset | undefined {
  let found: Group | Dataset | undefined = group;
  for (const name of path.split("/")) {
    if (name !== "") found = found?.kind === "group" ? found.members.get(name) : undefined;
  }
  return found;
}

/** The arrays of a part, `vars/0`, `vars/1`, …; none if it has no group. */
export function variablesAt(group: Group, path: string): Dataset[] {
  const vars = memberAt(group, `${path}vars`);
  if (vars?.kind !== "group") return [];
  return Array.from({ length: vars.members.size }, (_, i) => {
    const found = vars.members.get(String(i));
    if (found?.kind !== "dataset") throw damaged(`the group ${path}vars has no array ${i}`);
    return found;
  });
}

/**
 * The weights of a part by our names, from its arrays in Keras's order.
 *
 * @throws ModelFileError with the names and shapes of both sides, if they do not agree
 */
export function readModule(
  owner: string,
  module: Module,
  arrays: readonly Dataset[],
): [name: string, tensor: Float32Tensor][] {
  const wanted = wantedOf(owner, module);
  const fits =
    arrays.length === wanted.length &&
    wanted.every(([, shape], i) => showShape(shape) === showShape(arrays[i]?.shape ?? []));
  if (!fits || !isConverted(module.kind)) {
    const has = arrays.map(({ shape }) => showShape(shape)).join(", ") || "none";
    throw new ModelFileError(
      `${owner} has the weights ${has} in the file, but needs ${wanted.map(([name, shape]) => `${name} ${showShape(shape)}`).join(", ")}`,
    );
  }
  const theirs = Object.fromEntries(wanted.map(([name], i) => [name, (arrays[i] as Dataset).read()]));
  return Object.entries(fromLibrary("keras", module.kind, module.shapes, theirs)).map(([name, tensor]) => [
    `${module.path}/${name}`,
    tensor,
  ]);
}

/** The groups with the weights of a layer, in Keras's structure. */
export function writeModules(
  { modules }: LayerModules,
  weights: Readonly<Record<string, Float32Tensor>>,
): WrittenGroup {
  const root: { members: Record<string, Written> } = { members: {} };
  for (const module of modules) {
    if (!isConverted(module.kind)) continue;
    const own = Object.keys(module.shapes).map(
      (name) => [name, weights[`${module.path}/${name}`] as Float32Tensor] as const,
    );
    const theirs = Object.values(toLibrary("keras", module.kind, Object.fromEntries(own)));
    let group = root;
    for (const name of folderOf(module)
      .split("/")
      .filter((part) => part !== "")) {
      group.members[name] ??= { members: {} };
      group = group.members[name] as typeof root;
    }
    group.members.vars = { members: Object.fromEntries(theirs.map(({ shape, data }, i) => [i, { shape, data }])) };
  }
  return root;
}
