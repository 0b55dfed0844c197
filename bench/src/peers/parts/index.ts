/** The parts of the measurements by their names, in the order of the tables. */
import type { Reviews } from "../epoch.ts";
import type { Section } from "../report.ts";
import { epoch } from "./epoch.ts";
import { bidirectionalInference, inference, oneReview } from "./inference.ts";
import { productSections, sweep } from "./ours.ts";
import { sentenceOutputs, sentenceSteps, translating } from "./sentences.ts";
import type { Setting } from "./setting.ts";
import { imdbStep } from "./step.ts";
import { trainingStep, trainings } from "./training.ts";
import { transcriptionStep, writing } from "./transcription.ts";
import { trees } from "./trees.ts";

type Measure = (setting: Setting, reviews: () => Promise<Reviews>) => Promise<readonly Section[]>;

export const parts: ReadonlyMap<string, Measure> = new Map<string, Measure>([
  ["step", async (setting) => [await imdbStep(setting)]],
  ...trainings.map((training): [string, Measure] => [
    training.id,
    async (setting) => [(await trainingStep(setting, training)).section],
  ]),
  ["transcription", async (setting) => [await transcriptionStep(setting)]],
  ["writing", async (setting) => [await writing(setting)]],
  ["sentences", (setting) => sentenceSteps(setting)],
  ["output", (setting) => sentenceOutputs(setting)],
  ["beam", (setting) => translating(setting)],
  ["trees", async (setting) => [await trees(setting)]],
  ["epoch", async (setting, reviews) => [await epoch(setting, await reviews())]],
  ["inference", async (setting, reviews) => [await inference(setting, await reviews())]],
  ["inference-bidirectional", async (setting, reviews) => [await bidirectionalInference(setting, await reviews())]],
  ["review", (setting) => oneReview(setting)],
  ["products", (setting) => productSections(setting)],
  ["sweep", async (setting) => [await sweep(setting)]],
]);

/** The sections that the README shows. */
export const headlines = [
  "step",
  ...trainings.map(({ id }) => id),
  "transcription",
  "writing",
  "sentences",
  "sentences-not-fed",
  "output-8000",
  "output-32000",
  "beam",
  "greedy",
  "trees",
  "epoch",
  "inference",
  "inference-bidirectional",
  "review-300",
  "review-20",
];
