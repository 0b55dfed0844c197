/** The options of recurrences that are tested on every backend, in combinations that could fail. */
import type { RecurrenceName } from "@ostinato/core";
import type { RecurrenceFeatures } from "../../trials/recurrent/ops.ts";

/** Features of every recurrence; the initial states depend on the recurrence. */
const shared = {
  "no options": {},
  "ragged lengths, among them 0 and all": { lengths: true },
  reverse: { direction: "reverse" },
  "reverse and lengths": { direction: "reverse", lengths: true },
  "initial states": { initialH: true, initialC: true },
  "initial states and lengths": { initialH: true, initialC: true, lengths: true },
  "recurrent mask": { recurrentMask: true },
  "recurrent bias": { recurrentBias: true, lengths: true },
  clip: { clip: 0.5, lengths: true },
} as const;

/** Features of a single recurrence. */
const own: { readonly [R in RecurrenceName]?: Readonly<Record<string, RecurrenceFeatures<R>>> } = {
  lstm: {
    "only an initial cell": { initialC: true },
    peepholes: { P: true, lengths: true },
    "recurrent mask, peepholes and lengths": { recurrentMask: true, P: true, lengths: true, direction: "reverse" },
    "coupled gates": { inputForget: true, lengths: true },
    "coupled gates and peepholes": { inputForget: true, P: true, initialC: true },
    "other activations": { activations: ["Sigmoid", "Relu", "Tanh"], lengths: true },
    "all activations exchanged": { activations: ["Tanh", "Sigmoid", "Relu"], direction: "reverse" },
    "activations with parameters": {
      activations: [
        { name: "HardSigmoid", alpha: 1 / 6, beta: 0.5 },
        { name: "ScaledTanh", alpha: 1.7, beta: 0.6 },
        { name: "Elu", alpha: 0.7 },
      ],
      lengths: true,
    },
  },
  gru: {
    "reset after the product": { linearBeforeReset: true, lengths: true },
    "reset after the product, with a bias of its own": { linearBeforeReset: true, recurrentBias: true, lengths: true },
    "recurrent mask, reset before the product": { recurrentMask: true, lengths: true, direction: "reverse" },
    "recurrent mask, reset after the product": { recurrentMask: true, linearBeforeReset: true, initialH: true },
    "other activations": { activations: ["Tanh", "Relu"], lengths: true },
    "activations with parameters": {
      activations: [{ name: "Affine", alpha: 0.3, beta: 0.4 }, "Softsign"],
      linearBeforeReset: true,
      lengths: true,
    },
  },
  rnn: {
    "other activations": { activations: ["Relu"], lengths: true },
    "a leaky activation": { activations: [{ name: "LeakyRelu", alpha: 0.1 }], lengths: true },
    "an activation with a threshold": { activations: [{ name: "ThresholdedRelu", alpha: 0.4 }], lengths: true },
    "a smooth activation": { activations: ["Softplus"], clip: 0.8, lengths: true },
  },
};

/** The tests of a recurrence, by title. */
export const featuresOf = (name: RecurrenceName): Readonly<Record<string, RecurrenceFeatures>> => ({
  ...shared,
  ...own[name],
});
