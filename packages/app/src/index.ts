/** What the command lines of the apps share: `@ostinato/app`. */
export {
  type App,
  type AppCommand,
  type CommandContext,
  type Environment,
  type Input,
  runApp,
  type Stopping,
} from "./app.ts";
export { type BackendName, backendNames, backends, type RuntimeName, runtimeNames } from "./backends.ts";
export { type Bars, barChart } from "./charts/bars.ts";
export { type Confusions, confusionChart, confusionName } from "./charts/confusion.ts";
export { type Chart, type LegendEntry, needsSystemFonts, writeChart, writeChartFile } from "./charts/draw.ts";
export { type HeatMap, heatMap } from "./charts/heat-map.ts";
export { classificationFigures, type HistoryFigure, historyChart } from "./charts/history.ts";
export { exitCodes, explain, FailureError, UsageError } from "./failures.ts";
export { callersFolder, isThere, requireWritableFile, requireWritableFolder } from "./files.ts";
export {
  descriptionBeside,
  type ForeignOptions,
  foreignOptions,
  readDescription,
  recordIn,
  withProbabilities,
} from "./foreign.ts";
export {
  excerpt,
  kebabCase,
  onOneLine,
  shownCount,
  shownDuration,
  shownFigure,
  shownLabel,
  shownPercent,
  table,
} from "./format.ts";
export {
  type Initial,
  type InitialOptions,
  initialOptions,
  initialSettings,
  keptInitial,
  learningOf,
  type Origin,
  openInitial,
  originKey,
  refuseReplaced,
} from "./initial.ts";
export type { Line } from "./lines.ts";
export type { OpenedModel, OpenOptions } from "./model-file.ts";
export {
  type AppModel,
  dataPathOf,
  exportFile,
  exportFolder,
  fileNames,
  loadAppModel,
  openChartFolder,
  type ToldTraining,
  trainingOf,
} from "./model-folder.ts";
export {
  byteCount,
  type CheckedExport,
  type MeasuredWeights,
  type OnnxTarget,
  openOnnxFolder,
  openOnnxTarget,
  writeOnnx,
} from "./onnx-file.ts";
export {
  formOf,
  ifAtHand,
  type KnownMeasuring,
  type Measuring,
  measuringOf,
  type OnnxForm,
  onnxFormOptions,
  plainForm,
} from "./onnx-options.ts";
export {
  backendOption,
  batchSizeOption,
  chartFolderOption,
  epochsOption,
  learningRateOption,
  modelOption,
  mostRows,
  name,
  onnxFileOption,
  path,
  positive,
  runtimeOption,
  seedOption,
  share,
  type TrainingOptions,
  threadsOption,
  trainingFolderOptions,
  whole,
} from "./options.ts";
export type { Output } from "./output.ts";
export {
  keptNumber,
  openCheckpoint,
  readCheckpoint,
  requireSame,
  type SettingDefaults,
  type Settings,
  settingsOf,
} from "./resume.ts";
export { type Score, scoreNameIn } from "./score.ts";
export { answerLines } from "./stdin.ts";
export { runTraining, type Training } from "./training.ts";
export { type ChartNames, openTrainingFolder, type TrainingFolder } from "./training-folder.ts";
export { compareWeights } from "./weight-comparison.ts";
