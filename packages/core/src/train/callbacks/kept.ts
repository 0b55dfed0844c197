/** Reading what a callback kept in a checkpoint: the file may be damaged, or of another hand. */
import { ModelFileError } from "../../errors.ts";
import { isRecord, type Json } from "../../nn/options.ts";

const specialNumbers: readonly unknown[] = ["Infinity", "-Infinity"];

/** A figure as JSON can hold it: numbers that are not finite become strings. */
export function figureToJson(figure: number | null): Json {
  return figure === null || Number.isFinite(figure) ? figure : String(figure);
}

/** Reads the data of the callback called `owner`, one by one. */
export class KeptReader {
  readonly #owner: string;
  readonly #data: Record<string, unknown>;

  constructor(owner: string, data: Json) {
    this.#owner = owner;
    if (!isRecord(data)) throw this.#damaged("nothing");
    this.#data = data;
  }

  /** A whole number from 0 on. */
  count(name: string): number {
    const value = this.#own(name);
    if (!Number.isSafeInteger(value) || (value as number) < 0) throw this.#damaged(`no ${name}`);
    return value as number;
  }

  /** What `figureToJson` gave. */
  figure(name: string): number | null {
    const value = this.#own(name);
    if (value === null || typeof value === "number") return value;
    if (specialNumbers.includes(value)) return Number(value);
    throw this.#damaged(`no ${name}`);
  }

  #own(name: string): unknown {
    return Object.hasOwn(this.#data, name) ? this.#data[name] : undefined;
  }

  #damaged(what: string): ModelFileError {
    return new ModelFileError(`the checkpoint is damaged: of ${this.#owner} it has ${what} to go on from`);
  }
}
