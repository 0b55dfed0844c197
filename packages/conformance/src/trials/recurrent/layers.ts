/** Random trials of recurrent layers: each alone and in chains, in both directions, and with states that go from one to another. */
import { minGru } from "@ostinato/cells";
import {
  type AnyLayer,
  bidirectional,
  dense,
  gru,
  input,
  lstm,
  meanSquaredError,
  mergeModes,
  model,
  type RecurrenceName,
  type RecurrentLayer,
  recurrentActivationNames,
  rnn,
  type Symbolic,
  sequential,
  simpleRnn,
} from "@ostinato/core";
import { readout } from "../../recurrent/ownCells.ts";
import type { Draw, DrawTrial } from "../draw.ts";
import { type Fetches, inference, training } from "../models.ts";
import { ownCellTrials } from "./ownCells.ts";

/** What an lstm may have beside its units and what it returns. */
function drawLstmOptions(draw: Draw) {
  return {
    reverse: draw.chance(0.4),
    useBias: draw.chance(0.8),
    unitForgetBias: draw.chance(0.5),
    activation: draw.chance(0.8) ? "tanh" : draw.one(recurrentActivationNames),
    recurrentActivation: draw.chance(0.8) ? "sigmoid" : draw.one(recurrentActivationNames),
    dropout: draw.chance(0.8) ? 0 : 0.4,
    recurrentDropout: draw.chance(0.8) ? 0 : 0.4,
  } as const;
}

/** The same of a gru. */
function drawGruOptions(draw: Draw) {
  const { unitForgetBias: _, ...shared } = drawLstmOptions(draw);
  return { ...shared, resetAfter: draw.chance(0.6) };
}

/** The same of a simpleRnn. */
function drawSimpleRnnOptions(draw: Draw) {
  const { unitForgetBias: _, recurrentActivation: __, ...shared } = drawLstmOptions(draw);
  return shared;
}

interface Returns {
  readonly units: number;
  /** Where it is false, too. */
  readonly returnSequences: true;
}

/** Each kind with any options. */
const kinds = {
  lstm: (draw: Draw, returns: Returns) => lstm({ ...returns, ...drawLstmOptions(draw) }),
  gru: (draw: Draw, returns: Returns) => gru({ ...returns, ...drawGruOptions(draw) }),
  simpleRnn: (draw: Draw, returns: Returns) => simpleRnn({ ...returns, ...drawSimpleRnnOptions(draw) }),
};

const drawReturns = (draw: Draw, returnSequences: boolean): Returns => ({
  units: draw.number(5).size,
  returnSequences: returnSequences as true,
});

/** Any recurrent layer, over time, or its last state alone. */
export function drawRecurrentLayer(draw: Draw, returnSequences = true) {
  return draw.one(Object.values(kinds))(draw, drawReturns(draw, returnSequences));
}

/** A recurrence that reads from the first step on, of any kind and of up to `most` units, for layers around one. */
export function drawForwardLayer(draw: Draw, most: number): AnyLayer {
  const units = draw.number(most).size;
  if (draw.chance(0.3)) return rnn(draw.one([minGru({ units }), readout({ units, outputs: draw.number(most).size })]));
  for (;;) {
    const layer = draw.one(Object.values(kinds))(draw, { units, returnSequences: true });
    if (!(layer.spec.config as { readonly reverse: boolean }).reverse) return layer;
  }
}

/** What such layers can begin with, made of features. */
export function initialStates(layers: readonly AnyLayer[], from: Symbolic<"features">): Symbolic<"features">[] {
  return layers.flatMap(({ spec: { kind, config } }) => {
    const { units, cell } = config as { readonly units?: number; readonly cell?: { readonly config: Returns } };
    return (kind === "lstm" ? ["h", "c"] : ["h"]).map(() => dense({ units: units ?? cell?.config.units ?? 1 })(from));
  });
}

/** A layer alone, or behind another recurrence, in inference or in training. */
function layerTrial(draw: Draw, layer: ReturnType<typeof drawRecurrentLayer>): Fetches {
  const start = input({ shape: ["time", draw.number(5).size], lengths: draw.chance(0.7) });
  const { spec } = sequential(draw.chance(0.4) ? [start, drawRecurrentLayer(draw), layer] : [start, layer]);
  return draw.chance(0.5) ? inference(draw, { spec }) : training(draw, spec, meanSquaredError());
}

function bidirectionalTrial(draw: Draw): Fetches {
  const start = input({ shape: ["time", draw.number(4).size], lengths: draw.chance(0.7) });
  const layer = drawRecurrentLayer(draw, draw.chance(0.7)) as RecurrentLayer<"sequence", RecurrenceName>;
  const { spec } = sequential([start, bidirectional(layer, { mergeMode: draw.one(mergeModes) })]);
  return draw.chance(0.5) ? inference(draw, { spec }) : training(draw, spec, meanSquaredError());
}

/** A reader and a writer that begins with the states of the reader; then the reader once more, with the same weights. */
function twoStatesTrial(draw: Draw): Fetches {
  const [units, features] = [draw.number(5).size, draw.number(5).size];
  const x = input({ shape: ["time", features], lengths: draw.chance(0.6) });
  const h0 = input({ shape: [units], name: "h0" });
  const options = { ...drawLstmOptions(draw), units, returnState: true } as const;
  const reader = lstm({ ...options, returnSequences: true });
  const writer = lstm({ ...drawLstmOptions(draw), units, returnSequences: draw.chance(0.5) as true });
  const [, h, c] = reader(x, { initialState: [h0, h0] });
  const [again] = reader(x, { initialState: [c, dense({ units })(h)] });
  return training(draw, model([x, h0], writer(again, { initialState: [h, c] })).spec, meanSquaredError());
}

/** The same where there is one state, which goes from a gru to a simpleRnn or the other way. */
function oneStateTrial(draw: Draw): Fetches {
  const [units, features] = [draw.number(5).size, draw.number(5).size];
  const x = input({ shape: ["time", features], lengths: draw.chance(0.6) });
  const h0 = input({ shape: [units], name: "h0" });
  const returns = { units, returnSequences: true, returnState: true } as const;
  const layers = [
    gru({ ...drawGruOptions(draw), ...returns }),
    simpleRnn({ ...drawSimpleRnnOptions(draw), ...returns }),
  ];
  const [reader, writer] = draw.chance(0.5) ? layers : layers.toReversed();
  const [, h] = reader(x, { initialState: [h0] });
  const [again] = reader(x, { initialState: [dense({ units })(h)] });
  const [y, last] = writer(again, { initialState: [h] });
  return training(draw, model([x, h0], draw.chance(0.5) ? y : last).spec, meanSquaredError());
}

/** Every recurrent layer. */
export const recurrentLayerTrials: Readonly<Record<string, DrawTrial>> = {
  ...Object.fromEntries(
    Object.entries(kinds).map(([kind, make]): [string, DrawTrial] => [
      kind,
      (draw) => layerTrial(draw, make(draw, drawReturns(draw, draw.chance(0.5)))),
    ]),
  ),
  bidirectional: bidirectionalTrial,
  "states of lstms": twoStatesTrial,
  "states of grus and simpleRnns": oneStateTrial,
  ...ownCellTrials,
};
