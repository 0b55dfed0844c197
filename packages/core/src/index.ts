/** The public names of @ostinato/core. The list is deliberate: a name that is not here may change at any time. */
export { gradients } from "./autodiff/gradients.ts";
export type { Backend, Executable, Session } from "./backend.ts";
export type { Checkpoint, Position, Settings } from "./checkpoint/checkpoint.ts";
export { parseJson } from "./checkpoint/json.ts";
export { fromBytes, toBytes } from "./checkpoint/model.ts";
export type { NumberTypeName } from "./checkpoint/numberTypes.ts";
export {
  bytesFrom,
  decodeSafetensors,
  encodeSafetensors,
  type Safetensors,
  tensorOver,
} from "./checkpoint/safetensors.ts";
export { checkpointFromBytes, checkpointToBytes } from "./checkpoint/training.ts";
export * from "./decoding/generate.ts";
export type { GenerateOptions, GenerateProgress, SampleOptions } from "./decoding/generateOptions.ts";
export type { LengthPenalty } from "./decoding/lengthPenalty.ts";
export * from "./decoding/onBackend.ts";
export * from "./decoding/scheduledSampling.ts";
export type * from "./decoding/sequenceModel.ts";
export * from "./decoding/sequenceModelOn.ts";
export * from "./errors.ts";
export { apply, apply1 } from "./ir/build/apply.ts";
export {
  abs,
  and,
  cast,
  div,
  equal,
  exp,
  finite,
  less,
  log,
  logSoftmax,
  mul,
  neg,
  not,
  type Operand,
  pow,
  relu,
  select,
  sigmoid,
  sign,
  softmax,
  softplus,
  sqrt,
  square,
  sub,
  tanh,
} from "./ir/build/elementwise.ts";
export { gather, reverseSequence, scatterAdd, sequenceLengths, sequenceMask } from "./ir/build/index.ts";
export { dot, matmul } from "./ir/build/linear.ts";
export { argMax, countOf, logSumExp, max, mean, sum, type Top, topK } from "./ir/build/reduce.ts";
export {
  broadcast,
  broadcastShape,
  broadcastTo,
  concat,
  expandDims,
  pad,
  reshape,
  reverse,
  slice,
  squeeze,
  transpose,
} from "./ir/build/shape.ts";
export { constant, dropoutMask, feed, full, iota, normalNoise, parameter, size, state } from "./ir/build/source.ts";
export * from "./ir/names.ts";
export { findLargest } from "./largest.ts";
export {
  type Activation,
  activationNames,
  type RecurrentActivationName,
  recurrentActivationNames,
} from "./nn/activations.ts";
export * from "./nn/attention/create.ts";
export {
  additiveScores,
  attentionWeights,
  dotScores,
  type Limits,
  stepsAttended,
  weightedSum,
} from "./nn/attention/score.ts";
export { inferenceGraph } from "./nn/build.ts";
export {
  activation,
  add,
  average,
  concatenate,
  dense,
  dropout,
  embedding,
  gaussianNoise,
  type InputOptions,
  input,
  layerNormalization,
  maximum,
  minimum,
  multiply,
  subtract,
} from "./nn/create.ts";
export {
  globalAveragePooling1d,
  globalMaxPooling1d,
  lastStep,
  masking,
  repeatAlong,
  repeatVector,
  spatialDropout1d,
  timeDistributed,
} from "./nn/createOverTime.ts";
export { type ReversibleEmbedding, reversibleEmbedding } from "./nn/createReversible.ts";
export { dataRules } from "./nn/dataRules.ts";
export * from "./nn/decoding/decoding.ts";
export {
  defineLayer,
  type LayerMaker,
  type LayerOf,
  type ListLayer,
  type Outputs,
  type OutputsByKind,
  type OutputsOf,
  type OwnLayer,
} from "./nn/define.ts";
export type { DataRules } from "./nn/graph/rules.ts";
export * from "./nn/graph/trained.ts";
export { type Initializer, initialize, initializerNames } from "./nn/initializers.ts";
export { type Flow, featuresOf, type InputKind, type Kind } from "./nn/kinds.ts";
export type {
  AnyLayer,
  BuildContext,
  Call,
  Carry,
  IdRules,
  InputSpec,
  KnownKinds,
  Layer,
  LayerSpec,
  MergingLayer,
  OwnKind,
  ParameterTraits,
  PointwiseLayer,
  Symbolic,
} from "./nn/layer.ts";
export type { NameOptions } from "./nn/make.ts";
export { type Model, model, sequential } from "./nn/model.ts";
export { isName, type Json, NAME_RULE, OptionReader } from "./nn/options.ts";
export { orthogonalMatrix } from "./nn/orthogonal.ts";
export { type MergeMode, mergeModes } from "./nn/recurrent/bidirectional.ts";
export {
  type BuiltCell,
  type Cell,
  type CellInput,
  type CellMaker,
  type CellResult,
  type CellStep,
  defineCell,
  type OwnCell,
} from "./nn/recurrent/cell.ts";
export { type BidirectionalOptions, bidirectional, gru, lstm, simpleRnn } from "./nn/recurrent/create.ts";
export * from "./nn/recurrent/createDecoder.ts";
export { type EncoderDecoderOptions, encoderDecoder } from "./nn/recurrent/encoderDecoder.ts";
export type {
  BidirectionalCallOptions,
  BidirectionalLayer,
  RecurrentCallOptions,
  RecurrentLayer,
  StatefulLayer,
  WithState,
} from "./nn/recurrent/layer.ts";
export { type RnnOptions, rnn } from "./nn/recurrent/rnn.ts";
export type { ReadOptions } from "./nn/registry.ts";
export type { Regularizer, RegularizerOptions } from "./nn/regularizers.ts";
export { type ModelSpec, parseModelSpec } from "./nn/spec.ts";
export { statefulLayer, streamGraph } from "./nn/streamed.ts";
export {
  countParameters,
  type ParameterInfo,
  parametersOf,
  type SummaryRow,
  summary,
  summaryRows,
} from "./nn/summary.ts";
export { lossesFromJson, lossesToJson, type Trained, type TrainedLoss } from "./nn/trained.ts";
export * from "./nn/trees/index.ts";
export { buildLayer, layerOutputs, parseLayer, type WrappedLayer } from "./nn/wrapping.ts";
export { learningRateAt } from "./optim/learningRate.ts";
export {
  type BaseConfig,
  type Optimizer,
  type OptimizerOptions,
  optimizerSpec,
  type UpdateContext,
} from "./optim/optimizer.ts";
export * from "./optim/optimizers.ts";
export {
  type CosineDecayOptions,
  cosineDecay,
  type DecayOptions,
  exponentialDecay,
  inverseTimeDecay,
  type LearningRate,
  type OneCycleOptions,
  oneCycle,
  type PolynomialDecayOptions,
  piecewiseConstant,
  polynomialDecay,
  type Schedule,
  type WarmupOptions,
  warmup,
} from "./optim/schedules.ts";
export { averagedNames, type Optimized, optimizerState, optimizerUpdates, type StepInputs } from "./optim/step.ts";
export { type Lowered, lower, lowerFor } from "./passes/lower.ts";
export { simplify } from "./passes/simplify.ts";
export { bind } from "./plan/bind.ts";
export type { Capacities } from "./plan/binder.ts";
export { keptKey } from "./plan/kept.ts";
export { describe } from "./plan/print.ts";
export type { AnyStep, Block, NamedValue, Program, ProgramValue, Step, StepAttrs, Storage } from "./plan/program.ts";
export { actualShape, bindSizes, emptySizes, type HeldShapes, type Sizes, sizeOfDim } from "./plan/sizes.ts";
export { fillDropoutMask, fillNormalNoise, RandomStream, shuffle, siteOf, threefry } from "./random.ts";
export { fromOnnxGates, type GateOrder, toOnnxGates } from "./recurrent/gateOrder.ts";
export { hoist } from "./recurrent/hoist.ts";
export { hoistTrees } from "./recurrent/hoistTrees.ts";
export { joinPads } from "./recurrent/joinPads.ts";
export {
  decomposeRecurrence,
  type RecurrenceInputs,
  type RecurrenceOutputs,
  type RecurrenceSettings,
  recurrence,
  recurrenceInputsOf,
} from "./recurrent/recurrence.ts";
export { type ScanOptions, type ScanResult, scan } from "./recurrent/scan.ts";
export { type TreeLevel, type TreeRecurOptions, treeRecur } from "./recurrent/treeRecur.ts";
export {
  type BoolTensor,
  bool,
  type Float32Tensor,
  type Float64Tensor,
  float32,
  float64,
  type Int32Tensor,
  int32,
  sizeOf,
  type Tensor,
  type TensorData,
  type Tensors,
  zeros,
} from "./tensor.ts";
export { type BestModelOptions, bestModel } from "./train/callbacks/bestModel.ts";
export type { Callback, CallbackState, TrainingControl } from "./train/callbacks/callback.ts";
export { type CheckpointsOptions, checkpoints } from "./train/callbacks/checkpoints.ts";
export { type EarlyStoppingOptions, earlyStopping } from "./train/callbacks/earlyStopping.ts";
export type { MonitorOptions } from "./train/callbacks/monitor.ts";
export { type ReduceOnPlateauOptions, reduceLearningRateOnPlateau } from "./train/callbacks/reduceOnPlateau.ts";
export type { CompileOptions } from "./train/compile.ts";
export { compile } from "./train/compile.ts";
export { type ClassWeights, weightsOfClasses } from "./train/data/classWeights.ts";
export type { Rows } from "./train/data/column.ts";
export { type ContinuousOptions, continuousBatches, type Steps } from "./train/data/continuousBatches.ts";
export type { Examples } from "./train/data/dataset.ts";
export type { Inputs } from "./train/data/named.ts";
export * from "./train/data/teacherForcing.ts";
export type { EpochEvent, History, SnapshotOptions, StepEvent, TrainingStepEvent } from "./train/evaluation/events.ts";
export type { PassOptions as EvaluateOptions, PassOptions as PredictOptions } from "./train/evaluation/pass.ts";
export type { Logs } from "./train/evaluation/running.ts";
export type { Stream, StreamOptions } from "./train/evaluation/stream.ts";
export type { EpochExamples, FitOptions, TrainingData } from "./train/fit/fitOptions.ts";
export {
  type ClassificationReport,
  type ClassScores,
  classificationReport,
  confusionMatrix,
  logLoss,
  type RocPoint,
  rocAuc,
  rocCurve,
} from "./train/objective/classification.ts";
export { bioConstraints, bioesConstraints, type CrfConstraints } from "./train/objective/crf/constraints.ts";
export { type CrfConfig, type CrfOptions, crf } from "./train/objective/crf/crf.ts";
export { type CrfDecoder, crfDecoder } from "./train/objective/crf/decoder.ts";
export {
  type CrfMarginals,
  crfMarginals,
  type PathOptions,
  type ViterbiPaths,
  viterbi,
} from "./train/objective/crf/paths.ts";
export { type CtcConfig, type CtcOptions, ctc } from "./train/objective/ctc/ctc.ts";
export {
  type CtcBeamOptions,
  type CtcPath,
  type CtcReading,
  type CtcScorer,
  ctcBeamSearch,
  ctcGreedy,
} from "./train/objective/ctc/decode.ts";
export { type CtcDecoder, ctcDecoder } from "./train/objective/ctc/decoder.ts";
export {
  auc,
  confusion,
  type FBetaOptions,
  f1,
  fBeta,
  precision,
  recall,
  type ThresholdOptions,
} from "./train/objective/decisionMetrics.ts";
export {
  defineLoss,
  type LossMaker,
  type OwnLoss,
  type OwnTarget,
  type Scored,
  type Target,
  trainedLoss,
} from "./train/objective/defineLoss.ts";
export { evaluationGraph, trainingGraph, type Weighing, type Weighings } from "./train/objective/graphs.ts";
export type { Loss, LossContext, RowwiseLoss } from "./train/objective/loss.ts";
export {
  binaryCrossentropy,
  type CrossentropyOptions,
  categoricalCrossentropy,
  huber,
  meanAbsoluteError,
  meanSquaredError,
  sparseCategoricalCrossentropy,
} from "./train/objective/losses.ts";
export {
  accuracy,
  binaryAccuracy,
  categoricalAccuracy,
  lossMetric,
  type Metric,
  type MetricOptions,
  perplexity,
  rootMeanSquaredError,
  sparseCategoricalAccuracy,
  sparseTopKCategoricalAccuracy,
  type TopKOptions,
  topKCategoricalAccuracy,
} from "./train/objective/metrics.ts";
export type { ByOutput, Objective } from "./train/objective/objective.ts";
export { type QuantileOptions, quantileLoss } from "./train/objective/quantile.ts";
export { type SampledSoftmaxOptions, sampledSoftmaxLoss } from "./train/objective/sampledSoftmax.ts";
export type { Prediction, TargetSpec } from "./train/objective/target.ts";
export type { TrainingForm } from "./train/objective/trainingForm.ts";
export { type Predictor, predictor, predictorOn, type Runner } from "./train/predictor.ts";
export type { Signal } from "./train/session/signal.ts";
export type { Trainer } from "./train/trainer.ts";
