/** The errors this library throws on purpose: one class for each kind of mistake, so that callers can tell them apart. */

/** Base of every error thrown on purpose. Anything else that escapes is a defect of this library. */
export class OstinatoError extends Error {
  override readonly name: string = "OstinatoError";
}

/** Shapes that do not fit together: a wrong rank, dimension or axis. */
export class ShapeError extends OstinatoError {
  override readonly name = "ShapeError";
}

/** A value of the wrong data type. */
export class DTypeError extends OstinatoError {
  override readonly name = "DTypeError";
}

/** An option with a value that cannot work. */
export class ConfigError extends OstinatoError {
  override readonly name = "ConfigError";
}

/** Data that a model cannot take: a label outside the classes, an index outside the vocabulary, ragged rows, nothing at all. */
export class DataError extends OstinatoError {
  override readonly name = "DataError";
}

/** An op or an option of an op that a backend, or an export format, cannot run. */
export class UnsupportedOpError extends OstinatoError {
  override readonly name = "UnsupportedOpError";
}

/** A model file that is missing, damaged, foreign or of a later format version, or that cannot be written. */
export class ModelFileError extends OstinatoError {
  override readonly name = "ModelFileError";
}

/** A file that cannot be written (the disk is full, permission is denied), or a folder that another process holds. */
export class FileError extends OstinatoError {
  override readonly name = "FileError";
  /** The file. */
  readonly path: string;
  /** The system's name for what went wrong: `"ENOSPC"`; `"ELOCKED"` where another process holds the folder. */
  readonly code: string;

  constructor(message: string, path: string, code: string, cause?: unknown) {
    super(message, { cause });
    this.path = path;
    this.code = code;
  }
}

/** A call at the wrong time: a second run before the first ended, or any use after `dispose`. */
export class StateError extends OstinatoError {
  override readonly name = "StateError";
}

/** A loss or a gradient that is not finite. The parameters still hold the values from before the step. */
export class NonFiniteError extends OstinatoError {
  override readonly name = "NonFiniteError";
}

/** A graph or a program that breaks an invariant: always a defect of the pass that made it. */
export class GraphError extends OstinatoError {
  override readonly name = "GraphError";
}

/** Something that the host does not provide, or no longer does: memory, or a thread. */
export class ResourceError extends OstinatoError {
  override readonly name = "ResourceError";
}
