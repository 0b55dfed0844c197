/** The layer `simpleRnn`. */
import { type RecurrentConfig, recurrentLayer } from "./recurrent.ts";

export type SimpleRnnConfig = RecurrentConfig;

export const simpleRnn = recurrentLayer<"rnn", SimpleRnnConfig>({ recurrence: "rnn", flags: {} });
