/** Puts a model's state on a backend. Where memory is short, the error names the largest layer. */
import type { Backend, Session } from "../../backend.ts";
import { ResourceError } from "../../errors.ts";
import { buildModel } from "../../nn/build.ts";
import type { ModelSpec } from "../../nn/spec.ts";
import { sizeOf, type Tensors } from "../../tensor.ts";

/**
 * Opens a session with the state that `make` makes.
 *
 * @throws ResourceError where there is no memory for the state. It names the layer with the largest weights, and their size
 */
export async function openState(backend: Backend, spec: ModelSpec, make: () => Tensors): Promise<Session> {
  try {
    return await backend.open(make());
  } catch (error) {
    // What typed arrays of impossible sizes throw.
    if (!(error instanceof RangeError || error instanceof ResourceError)) throw error;
    throw new ResourceError(`there is no memory for this model: ${largestOf(spec)} (${error.message})`, {
      cause: error,
    });
  }
}

function largestOf(spec: ModelSpec): string {
  const { parameters } = buildModel(spec);
  const [first, ...others] = parameters;
  if (first === undefined) return "it has no weights";
  const { name, shape } = others.reduce((a, b) => (sizeOf(b.shape) > sizeOf(a.shape) ? b : a), first);
  const megabytes = Math.ceil((4 * sizeOf(shape)) / 2 ** 20).toLocaleString("en-US");
  return `the weights "${name}" of the layer "${name.split("/")[0]}", float32[${shape.join(", ")}], take ${megabytes} MB, and an optimizer keeps more of that size; make the layer smaller`;
}
