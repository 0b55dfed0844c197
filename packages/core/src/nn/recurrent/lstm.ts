/** The layer `lstm`. */
import { type GatedConfig, recurrentLayer } from "./recurrent.ts";

export type LstmConfig = GatedConfig & { readonly unitForgetBias: boolean };

export const lstm = recurrentLayer<"lstm", LstmConfig>({
  recurrence: "lstm",
  flags: { unitForgetBias: true },
  // The gates are in the order i, o, f, c.
  bias: (data, { unitForgetBias, units }) => (unitForgetBias ? data.fill(1, 2 * units, 3 * units) : data),
});
