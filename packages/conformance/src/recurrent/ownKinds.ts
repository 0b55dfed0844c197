/** All layers and cells of a user's own, as files are read with them. */
import { coupledLstm, layerNormLstm, minGru, peepholeLstm, projectionLstm, sLstm } from "@ostinato/cells";
import { attend, blend, gated, residual, scale } from "../ownLayers.ts";
import { gruCell, readout } from "./ownCells.ts";

/** All of them. */
export const ownKinds = [
  ...[scale, blend, gated, attend, residual, gruCell, readout],
  ...[peepholeLstm, coupledLstm, layerNormLstm, projectionLstm, minGru, sLstm],
] as const;
