/** The float64 reference interpreter and the test suite that every backend must pass. */
export { checkGradients, type GradientCheck, type GradientError, gradientErrors } from "./gradientCheck.ts";
export { type Growth, memoryGrowth } from "./memoryGrowth.ts";
export { type Realm, trainedIn } from "./otherRealm.ts";
export { attend, blend, residual, scale } from "./ownLayers.ts";
export { gruCell, minGru, peepholeLstm, readout } from "./recurrent/ownCells.ts";
export { ownKinds } from "./recurrent/ownKinds.ts";
export { reference } from "./reference/backend.ts";
export type { Dense } from "./reference/dense.ts";
export { type Evaluation, evaluate, evaluateValues } from "./reference/evaluate.ts";
export { type Classifier, type ClassifierSizes, classifier, type Optimizer } from "./suite/classifier.ts";
export { expectGolden, goldenCases } from "./suite/golden.ts";
export type { GoldenCase } from "./suite/goldenCase.ts";
export { type NumberTrial, numberTrials, wrongNumbers } from "./suite/specialNumbers.ts";
export { expectClose, type SuiteTest, type Tolerance } from "./suite/suiteTest.ts";
export { type BackendUnderTest, type Skip, suiteTestNames, suiteTests, testBackend } from "./suite/testBackend.ts";
export { trialNamed, trialNames, trialOf } from "./trials/all.ts";
export type { Trial } from "./trials/draw.ts";
export { withGradients } from "./trials/withGradients.ts";
