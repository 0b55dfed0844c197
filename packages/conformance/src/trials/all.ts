/** Every random trial by its name, `group > what is drawn`: the list that gradient checks and the suite go through. */
import type { OpName } from "@ostinato/core";
import { Draw, type DrawTrial, type Trial } from "./draw.ts";
import { graphTrial } from "./graphs.ts";
import { layerTrials, trainingTrial } from "./layers.ts";
import { lossTrials } from "./losses.ts";
import { metricTrials } from "./metrics.ts";
import { opTrials } from "./ops.ts";
import { scanTrials } from "./scans.ts";
import { treeTrials } from "./trees.ts";

function inGroup(group: string, trials: Readonly<Record<string, DrawTrial>>): Record<string, DrawTrial> {
  return Object.fromEntries(Object.entries(trials).map(([name, trial]) => [`${group} > ${name}`, trial]));
}

const trials: Readonly<Record<string, DrawTrial>> = {
  ...inGroup("ops", opTrials),
  ...inGroup("scan", scanTrials),
  ...inGroup("trees", treeTrials),
  ...inGroup("graphs", { "random graphs of many ops": graphTrial }),
  ...inGroup("layers", layerTrials),
  ...inGroup("losses", lossTrials),
  ...inGroup("metrics", metricTrials),
  ...inGroup("training", { "loss, metrics and gradients of random models": trainingTrial }),
};

export const trialNames: readonly string[] = Object.keys(trials);

/** One random trial by its name. The same name and seed always give the same one. */
export function trialNamed(name: string, seed: number): Trial {
  const draw = new Draw(name, seed);
  return draw.trial(trials[name](draw));
}

/** One random trial of an op. */
export function trialOf(op: OpName, seed: number): Trial {
  return trialNamed(`ops > ${op}`, seed);
}
