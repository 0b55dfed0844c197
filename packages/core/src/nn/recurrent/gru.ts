/** The layer `gru`. */
import { type GatedConfig, recurrentLayer } from "./recurrent.ts";

export type GruConfig = GatedConfig & { readonly resetAfter: boolean };

export const gru = recurrentLayer<"gru", GruConfig>({
  recurrence: "gru",
  flags: { resetAfter: true },
  // As in Keras: a reset that comes after the product with R needs the bias of that product by itself.
  recurrentBias: ({ resetAfter }) => resetAfter,
  settings: ({ resetAfter }) => ({ linearBeforeReset: resetAfter }),
});
