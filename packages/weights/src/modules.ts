/** The parts of a model that have weights: its layers, and nested layers. */
import { type LayerSpec, type Model, parametersOf } from "@ostinato/core";

/** A layer, at the top level or nested. */
type Part = Omit<LayerSpec, "name">;

/** A part of a model that has weights. */
export interface Module extends Part {
  /** The prefix of its weight names: `encoder`, or `tagger/forward` inside the layer `tagger`. */
  readonly path: string;
  /** The enclosing layers, outermost first: one for each word of the path except the last. */
  readonly around: readonly Part[];
  /** The shapes of its weights, by the rest of their names: `kernel`. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

/** Layers that contain layers: the nested layer by its part of the name. */
const inside: Readonly<Record<string, (config: never, part: string) => Part | undefined>> = {
  bidirectional: ({ layer, backwardLayer }: { readonly layer: Part; readonly backwardLayer: Part }, part) =>
    ({ forward: layer, backward: backwardLayer })[part],
  timeDistributed: ({ layer }: { readonly layer: Part }, part) => (part === "layer" ? layer : undefined),
  attentionDecoder: ({ layers, attention }: { readonly layers: readonly Part[]; readonly attention: Part }, part) =>
    part === "attention" ? attention : layers[Number(/^layer(\d+)$/.exec(part)?.[1])],
};

/** The parts that contain a weight of a layer: the layer first, the innermost part last. */
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

/** The parts of a model that have weights, in the order of use. */
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
