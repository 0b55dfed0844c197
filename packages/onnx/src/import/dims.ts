/** The sizes of a file while it is read: which names are equal, and which are numbers. */
import { type Dim, ShapeError } from "@ostinato/core";

/** Thrown when two sizes turn out to be equal. Values read so far use the old names, so reading starts again. */
export class ReadAgain extends Error {}

/** The maximum number of sizes that may turn out to be equal. */
const MOST = 100;

/** The known facts about named sizes; kept when reading starts again. */
export class Dims {
  readonly #known = new Map<string, Dim>();
  /** Fixed sizes of the file that were made dynamic, by their new names. */
  readonly #opened = new Map<string, number>();
  /** The nodes that require names to be numbers. */
  readonly #needs = new Map<string, string>();
  /** The nodes that take single entries, by the entry and the name of the axis. */
  readonly #taking = new Map<string, string>();

  /** The current name or number of a size. */
  of(dim: Dim): Dim {
    let found = dim;
    while (typeof found === "string") {
      const next = this.#known.get(found);
      if (next === undefined) return found;
      found = next;
    }
    return found;
  }

  /** A name for a fixed size of the file. */
  open(name: string, size: number): string {
    this.#opened.set(name, size);
    return name;
  }

  /** The number in the file for a size that was made dynamic. */
  sizeBefore(name: Dim): number | undefined {
    return typeof name === "string" ? this.#opened.get(name) : undefined;
  }

  /** The node that requires a name to be a number. */
  neededBy(name: string): string | undefined {
    const next = this.#known.get(name);
    return typeof next === "string" ? this.neededBy(next) : this.#needs.get(name);
  }

  /** Notes the node that takes a single entry of an axis. */
  take(name: string, entry: number, by: string): void {
    this.#taking.set(`${entry} ${name}`, by);
  }

  /** The node that takes a single entry of an axis. */
  takenBy(name: string, entry: number): string | undefined {
    return this.#taking.get(`${entry} ${name}`);
  }

  /** Makes a size fixed again, with its number in the file; does nothing for other names. */
  close(name: Dim, by: string): void {
    const size = this.sizeBefore(name);
    if (size !== undefined) this.same(name, size, by);
  }

  /** The common size of both. @throws ShapeError for different numbers, and for a missing axis; ReadAgain if this is new information */
  same(a: Dim | undefined, b: Dim | undefined, by: string): Dim {
    if (a === undefined || b === undefined) throw new ShapeError("it has the wrong number of axes");
    const [left, right] = [this.of(a), this.of(b)];
    if (left === right) return left;
    if (typeof left === "number" && typeof right === "number")
      throw new ShapeError(`the sizes ${left} and ${right} differ`);
    if (this.#known.size >= MOST) throw new ShapeError(`more than ${MOST} sizes of the model turn out to be equal`);
    // Numbers are preferred, then names of the file.
    const keepsRight = typeof right === "number" || (this.#opened.has(left as string) && !this.#opened.has(right));
    const [kept, given] = keepsRight ? [right, left as string] : [left, right as string];
    this.#known.set(given, kept);
    if (typeof kept === "number") this.#needs.set(given, by);
    throw new ReadAgain();
  }
}
