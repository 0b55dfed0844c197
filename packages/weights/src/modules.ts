/** The parts of a model that have weights: its layers, and the layers inside of them. */
import { type LayerSpec, type Model, parametersOf } from "@ostinato/core";

/** A layer by itself, or inside of another. */
type Part = Omit<LayerSpec, "name">;

/** A part of a model with weights of its own. */
export interface Module extends Part {
  /** What the names of its weights begin with: `encoder`, or `tagger/forward` where it is inside of the layer `tagger`. */
  readonly path: string;
  /** The layers around it, the outermost first: none, or one for each word of the path but the last. */
  readonly around: readonly Part[];
  /** The shapes of its weights, by what follows in their names: `kernel`. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

/** Layers that hold others: the part of a name, and the layer inside that has it. */
const inside: Readonly<Record<string, (config: never, part: string) => Part | undefined>> = {
  bidirectional: ({ layer, backwardLayer }: { readonly layer: Part; readonly backwardLayer: Part }, part) =>
    ({ forward: layer, backward: backwardLayer })[part],
  timeDistributed: ({ layer }: { readonly layer: Part }, part) => (part === "layer" ? layer : undefined),
  attentionDecoder: ({ layers, attention }: { readonly layers: readonly Part[]; readonly attention: Part }, part) =>
    part === "attention" ? attention : layers[Number(/^layer(\d+)$/.exec(part)?.[1])],
};

/** The parts that a weight of a layer is in, the layer first and the part that it belongs to last. */
function partsOf(layer: Part, words: readonly string[]): readonly [Part, ...Part[]] {
  const parts: [Part, ...Part[]] = [layer];
  for (const word of words.slice(1, -1)) {
    const { kind, config } = parts.at(-1) as Part;
    const next = inside[kind]?.(config as never, word);
    if (next === undefined) break;
    parts.push(next);
  }
  return parts;
}

/** The parts of a model that have weights, in the order in which the model uses them. */
export function modulesOf(model: Model): Module[] {
  const layers = new Map(model.spec.layers.map((layer) => [layer.name, layer]));
  const modules = new Map<string, Module & { readonly shapes: Record<string, readonly number[]> }>();
  for (const { name, shape } of parametersOf(model)) {
    const words = name.split("/");
    const parts = partsOf(layers.get(words[0] as string) as Part, words);
    const { kind, config } = parts.at(-1) as Part;
    const path = words.slice(0, parts.length).join("/");
    const module = modules.get(path) ?? { path, around: parts.slice(0, -1), kind, config, shapes: {} };
    modules.set(path, module);
    module.shapes[words.slice(parts.length).join("/")] = shape;
  }
  return [...modules.values()];
}
