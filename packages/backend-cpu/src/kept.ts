/** What programs of a session keep from run to run, behind everything else in its memory. Where that moves, it is made anew. */
import type { View } from "./call.ts";
import { bytesOf } from "./views.ts";

/** What a program keeps: programs with one key keep the same. Its views begin at byte 0 until there is a place. */
export interface Keeping {
  readonly key: string;
  readonly bytes: number;
  readonly views: readonly View[];
}

/** What programs with one key keep. */
export interface Kept {
  /** How often the state had been written when this was made; -1: it is not there. */
  writes: number;
}

interface Part extends Kept {
  address: number;
  readonly views: View[];
}

/** The parts by key, one after the other. */
export class KeptParts {
  readonly #parts = new Map<string, Part>();
  #start = 0;
  /** Of all parts. */
  bytes = 0;

  /** Bytes that a program needs beside those that there are. */
  missing({ key, bytes }: Keeping): number {
    return this.#parts.has(key) ? 0 : bytes;
  }

  /** The part of a program, for which there is room. */
  part(keeping: Keeping): Kept {
    const { key, views } = keeping;
    const part = this.#parts.get(key) ?? { writes: -1, address: this.#start + this.bytes, views: [] };
    this.bytes += this.missing(keeping);
    this.#parts.set(key, part);
    part.views.push(...views);
    shift(views, part.address);
    return part;
  }

  /** Tells where the first part begins. */
  move(start: number): void {
    const by = start - this.#start;
    this.#start = start;
    if (by === 0) return;
    for (const part of this.#parts.values()) {
      part.address += by;
      part.writes = -1;
      shift(part.views, by);
    }
  }
}

/** Moves views by so many bytes. */
export function shift(views: readonly View[], bytes: number): void {
  for (const view of views) view.offset += bytes / bytesOf[view.dtype];
}
