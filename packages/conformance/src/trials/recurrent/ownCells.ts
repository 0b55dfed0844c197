/** Random trials of cells of a user's own. */
import { bidirectional, input, meanSquaredError, mergeModes, model, rnn } from "@ostinato/core";
import { gruCell, minGru, peepholeLstm, readout } from "../../recurrent/ownCells.ts";
import type { Draw } from "../draw.ts";
import { type Fetches, inference, training } from "../models.ts";

/** Cells of a user's own: one or two, in one direction or both, from states that are given or not. */
export function ownCellsTrial(draw: Draw): Fetches {
  const units = draw.number(5).size;
  const rates = { dropout: draw.one([0, 0.4]), recurrentDropout: draw.one([0, 0.4]) };
  const cells = [
    minGru({ units, ...rates }),
    gruCell({ units, ...rates }),
    peepholeLstm({ units }),
    readout({ units, outputs: draw.number(4).size }),
  ] as const;
  const x = input({ shape: ["time", draw.number(5).size], lengths: draw.chance(0.7) });
  const options = { reverse: draw.chance(0.4), returnSequences: draw.chance(0.5) as true };
  const cell = draw.one(cells) as (typeof cells)[0];
  const way = draw.whole(0, 3);
  if (way === 0) {
    const both = bidirectional(rnn(cell, options), { mergeMode: draw.one(mergeModes) })(x);
    return training(draw, model(x, both).spec, meanSquaredError());
  }
  if (way === 1) {
    const h0 = input({ shape: [units], name: "h0" });
    const state = cell.kind === "peepholeLstm" ? [h0, h0] : [h0];
    const layer = rnn(cell, { ...options, returnState: true });
    const [y, h] = layer(x, { initialState: state as unknown as readonly [typeof h0] });
    return training(draw, model([x, h0], draw.chance(0.5) ? y : h).spec, meanSquaredError());
  }
  const { spec } = model(x, rnn(way === 2 ? cell : [cell, draw.one(cells)], options)(x));
  return draw.chance(0.4) ? inference(draw, { spec }) : training(draw, spec, meanSquaredError());
}
