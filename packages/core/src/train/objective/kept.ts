/** Which losses are kept with a trained model, and reading them again. */
import type { ParameterSpec } from "../../nn/layer.ts";
import { lossParameter, type Trained, type TrainedLoss } from "../../nn/trained.ts";
import type { TrainedOutput } from "./objective.ts";

/** The losses that have parameters, or options that predictions are read by; undefined where there is none. */
export function keptLosses(outputs: readonly TrainedOutput[], parameters: readonly ParameterSpec[]): Trained["losses"] {
  const losses = outputs.flatMap(({ name, loss: { kind, options = {}, kept } }): [string, TrainedLoss][] => {
    const prefix = lossParameter(name, kind, "");
    const own = parameters.filter((parameter) => parameter.name.startsWith(prefix));
    if (kept !== true && own.length === 0) return [];
    const shapes = own.map((parameter) => [parameter.name.slice(prefix.length), parameter.shape]);
    return [[name, { kind, options, parameters: Object.fromEntries(shapes) }]];
  });
  return losses.length === 0 ? undefined : Object.fromEntries(losses);
}
