/** What the commands do unless they are told otherwise, and the names of their files. The network and its training: presets. */

/** The files of an export. */
export const exportedNames = ["encode.onnx", "decodeStep.onnx"] as const;

/** Words of the validation part that are translated after each epoch. */
export const validationSample = 1000;
/** What is shown of them. */
export const shownSamples = 5;
/** Hypotheses that `evaluate` and `predict` keep. */
export const beamSize = 5;
