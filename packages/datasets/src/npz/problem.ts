/** Why an archive, an array or a pickle is not read; the reader that knows the file makes a `DatasetFormatError` of it. */
export class NpzProblem extends Error {
  override readonly name = "NpzProblem";
}
