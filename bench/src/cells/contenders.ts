/** The cells that are compared: the library's own, and those of `@ostinato/cells`. */
import { coupledLstm, layerNormLstm, minGru, peepholeLstm, projectionLstm, sLstm } from "@ostinato/cells";
import { type Cell, gru, lstm, rnn, simpleRnn } from "@ostinato/core";
import type { MakeLayer } from "./tasks.ts";

const of =
  (cell: (units: number) => Cell): MakeLayer =>
  (units, returns) =>
    rnn(cell(units), returns) as unknown as ReturnType<MakeLayer>;

const own =
  (make: (options: never) => unknown): MakeLayer =>
  (units, returns) =>
    make({ units, ...returns } as never) as ReturnType<MakeLayer>;

export const contenders: Readonly<Record<string, MakeLayer>> = {
  simpleRnn: own(simpleRnn),
  lstm: own(lstm),
  gru: own(gru),
  peepholeLstm: of((units) => peepholeLstm({ units })),
  coupledLstm: of((units) => coupledLstm({ units })),
  layerNormLstm: of((units) => layerNormLstm({ units })),
  projectionLstm: of((units) => projectionLstm({ units, projection: units / 2 })),
  minGru: of((units) => minGru({ units })),
  sLstm: of((units) => sLstm({ units })),
};
