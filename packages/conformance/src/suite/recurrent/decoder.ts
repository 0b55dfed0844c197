/** What PyTorch computes for decoders with attention, written out step by step: results, weights of attention, and all gradients. */
import {
  type AnyLayer,
  type AttentionDecoderOptions,
  additiveAttention,
  attention,
  attentionDecoder,
  gru,
  input,
  lstm,
  model,
  type RecurrenceName,
  type Symbolic,
  simpleRnn,
} from "@ostinato/core";
import pytorch from "../../golden/pytorch-decoder.json" with { type: "json" };
import { type GoldenCase, gates, plain } from "../goldenCase.ts";
import { layerCase, type StoredCase } from "../layerCase.ts";

interface Stored extends StoredCase {
  readonly layers: readonly { readonly recurrence: keyof typeof makers; readonly units: number }[];
  /** The units of additive attention; null where it is general. */
  readonly additive: number | null;
  readonly options: Omit<AttentionDecoderOptions, "layers" | "attention">;
}

/** The recurrences of the golden file. */
const makers = {
  lstm: (units) => lstm({ units }),
  gru: (units) => gru({ units }),
  rnn: (units) => simpleRnn({ units }),
} satisfies { readonly [R in RecurrenceName]?: (units: number) => AnyLayer };

function caseOf(name: string, stored: Stored): GoldenCase {
  const { layers, additive, options, inputs, lengths } = stored;
  const [x, memory, ...begun] = Object.entries(inputs).map(([of, { shape }]) =>
    shape.length === 2
      ? input({ name: of, shape: [shape[1]] })
      : input({ name: of, shape: [`${of}Time`, shape[2]], lengths: of in lengths }),
  ) as readonly Symbolic[] as readonly [Symbolic<"sequence">, Symbolic<"sequence">, ...Symbolic<"features">[]];
  const decoder = attentionDecoder({
    ...options,
    layers: layers.map(({ recurrence, units }) => makers[recurrence](units)),
    attention: additive === null ? attention({ scoreMode: "general" }) : additiveAttention({ units: additive }),
    returnAttentionScores: true,
  });
  const [vectors, scores] = decoder([x, memory], begun.length > 0 ? { initialState: begun } : {});
  const { spec } = model([x, memory, ...begun], { vectors, scores });
  return layerCase(name, stored, spec, "attentionDecoder", { batch: 4, xTime: 5, memoryTime: 5 }, (of, tensor) => {
    const [, layer] = /^layer(\d)\//.exec(of) ?? [];
    return layer === undefined ? plain(tensor) : gates(layers[Number(layer)].recurrence, tensor, "pytorch");
  });
}

/** Every case of a decoder with attention. */
export const decoderCases = (): GoldenCase[] =>
  pytorch.cases.map((stored, i) => caseOf(`pytorch attentionDecoder ${i}`, stored as unknown as Stored));
