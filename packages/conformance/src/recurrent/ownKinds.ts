/** All layers and cells of a user's own, as files are read with them. */
import { attend, blend, residual, scale } from "../ownLayers.ts";
import { gruCell, minGru, peepholeLstm, readout } from "./ownCells.ts";

/** All of them. */
export const ownKinds = [scale, blend, attend, residual, minGru, gruCell, peepholeLstm, readout] as const;
