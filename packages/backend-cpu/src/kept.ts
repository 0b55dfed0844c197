/** What programs of a session keep from run to run, behind everything else in its memory. Where that moves, it is made anew. */
import type { KeptPlaces, KeptView } from "./compile.ts";
import { bytesOf, place } from "./views.ts";

/** What programs with one key keep. */
export interface Kept {
  /** How often the state had been written when this was made; -1: it is not there. */
  writes: number;
}

interface Part extends Kept {
  readonly bytes: number;
  address: number;
  readonly places: KeptView[];
}

/** The parts by key, one after the other. */
export class KeptParts {
  readonly #parts = new Map<string, Part>();
  #start = 0;
  /** Of all parts. */
  bytes = 0;

  /** Bytes that a program needs beside those that there are. */
  missing({ key, bytes }: KeptPlaces): number {
    return this.#parts.has(key) ? 0 : bytes;
  }

  /** The part of a program, for which there is room. */
  part({ key, bytes, places }: KeptPlaces): Kept {
    const part = this.#parts.get(key) ?? { bytes, writes: -1, address: this.#start + this.bytes, places: [] };
    this.bytes += this.missing({ key, bytes, places });
    this.#parts.set(key, part);
    part.places.push(...places);
    for (const each of places) put(each, part.address);
    return part;
  }

  /** Tells where the first part begins. */
  move(start: number): void {
    if (start === this.#start) return;
    for (const part of this.#parts.values()) {
      part.address += start - this.#start;
      part.writes = -1;
      for (const each of part.places) put(each, part.address);
    }
    this.#start = start;
  }
}

function put({ view, at }: KeptView, address: number): void {
  place(view, (address + at) / bytesOf[view.dtype]);
}
