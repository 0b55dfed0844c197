/** Random trials of cells of a user's own. */
import { coupledLstm, layerNormLstm, minGru, peepholeLstm, projectionLstm, sLstm } from "@ostinato/cells";
import {
  bidirectional,
  type Cell,
  dense,
  input,
  meanSquaredError,
  mergeModes,
  model,
  type RecurrentLayer,
  rnn,
  type StatefulLayer,
  type Symbolic,
} from "@ostinato/core";
import { gruCell, readout } from "../../recurrent/ownCells.ts";
import type { Draw, DrawTrial } from "../draw.ts";
import { type Fetches, inference, training } from "../models.ts";

type Features = Symbolic<"features">;

/** A cell, and states that it can begin with, made of one input. */
interface Begun {
  readonly cell: Cell;
  states(h: Features): readonly Features[];
}

interface Rates {
  readonly dropout: number;
  readonly recurrentDropout: number;
}

/** Cells with a recurrent product and without, of one state and two, whose output is a state or not. */
function formsOfCells(draw: Draw, units: number, { dropout, recurrentDropout }: Rates): readonly Begun[] {
  const one = (h: Features) => [h];
  return [
    { cell: minGru({ units, dropout }), states: one },
    { cell: gruCell({ units, dropout, recurrentDropout }), states: one },
    { cell: peepholeLstm({ units }), states: (h) => [h, h] },
    { cell: readout({ units, outputs: draw.number(4).size }), states: one },
  ];
}

/** The other cells of papers. */
function paperCells(draw: Draw, units: number, rates: Rates): readonly Begun[] {
  const two = (h: Features) => [h, h];
  const projection = draw.number(4).size;
  const heads = draw.one([1, 2, 3]);
  return [
    { cell: coupledLstm({ units, ...rates }), states: two },
    // Of one unit the deviation is 0, which the default epsilon divides by.
    { cell: layerNormLstm({ units, ...rates, epsilon: 0.1 }), states: two },
    {
      cell: projectionLstm({ units, projection, ...rates }),
      states: (h) => [dense({ units: projection })(h), h],
    },
    {
      cell: sLstm({ units: heads * units, heads, ...rates }),
      states: (h) => {
        const [c, n] = ["linear", "sigmoid"].map((name) =>
          dense({ units: heads * units, activation: name as "sigmoid" })(h),
        );
        // n counts weights: it is positive.
        return [c, c, n, c];
      },
    },
  ];
}

/** One or two cells, in one direction or both, from states that are given or not. */
function cellsTrial(draw: Draw, drawCells: (draw: Draw, units: number, rates: Rates) => readonly Begun[]): Fetches {
  const units = draw.number(5).size;
  const rates = { dropout: draw.one([0, 0.4]), recurrentDropout: draw.one([0, 0.4]) };
  const cells = drawCells(draw, units, rates);
  const x = input({ shape: ["time", draw.number(5).size], lengths: draw.chance(0.7) });
  const options = { reverse: draw.chance(0.4), returnSequences: draw.chance(0.5) as true };
  const { cell, states } = draw.one(cells);
  const way = draw.whole(0, 3);
  if (way === 0) {
    const layer = rnn(cell, options) as unknown as RecurrentLayer<"sequence", readonly ["h"]>;
    const both = bidirectional(layer, { mergeMode: draw.one(mergeModes) })(x);
    return training(draw, model(x, both).spec, meanSquaredError());
  }
  if (way === 1) {
    const h0 = input({ shape: [units], name: "h0" });
    const layer = rnn(cell, { ...options, returnState: true }) as unknown as StatefulLayer<"sequence", readonly ["h"]>;
    const [y, h] = layer(x, { initialState: states(h0) as readonly [Features] });
    return training(draw, model([x, h0], draw.chance(0.5) ? y : h).spec, meanSquaredError());
  }
  const { spec } = model(x, rnn(way === 2 ? cell : [cell, draw.one(cells).cell], options)(x));
  return draw.chance(0.4) ? inference(draw, { spec }) : training(draw, spec, meanSquaredError());
}

export const ownCellTrials: Readonly<Record<string, DrawTrial>> = {
  "cells of a user's own": (draw) => cellsTrial(draw, formsOfCells),
  "cells of papers": (draw) => cellsTrial(draw, paperCells),
};
