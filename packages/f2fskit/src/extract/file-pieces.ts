// The content of a file, piece by piece, without its holes. Pieces lie in one buffer that is used again and again; where the
// file has fewer blocks than its size needs, runs of data are asked for first, so that a hole of a terabyte costs one
// question.

import { ENXIO, FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { Attributes, Inode } from '@f2fskit/vfs';

/** Bytes of a piece: the largest cluster, and a multiple of every folio. */
export const PIECE_BYTES = 1 << 20;

export interface FilePiece {
  position: number;
  /** A window on the buffer; good until the next piece. */
  bytes: Uint8Array;
}

export class FilePieces {
  readonly #inode: Inode;
  readonly #size: number;
  readonly #sparse: boolean;
  readonly #buffer: Uint8Array;
  #position = 0;
  /** Where the run of data ends in which the position lies. */
  #dataEnd: number;

  constructor(inode: Inode, attributes: Attributes, buffer: Uint8Array) {
    this.#inode = inode;
    this.#size = attributes.size;
    this.#sparse = attributes.blocks * 512 < attributes.size;
    this.#buffer = buffer;
    this.#dataEnd = this.#sparse ? 0 : this.#size;
  }

  /** The next piece, `undefined` at the end. Throws what reading meets. */
  *next(): Task<FilePiece | undefined> {
    if (this.#position >= this.#dataEnd && !(yield* this.#findData())) return undefined;
    const length = Math.min(this.#buffer.length, this.#dataEnd - this.#position);
    const target = this.#buffer.subarray(0, length);
    const count = yield* this.#inode.readDirect(this.#position, target);
    if (count === 0) return undefined;
    const piece = { position: this.#position, bytes: count === length ? target : target.subarray(0, count) };
    this.#position += count;
    return piece;
  }

  /** The runs of data [from, to), all of them; `undefined` when there are more than `most`. Reads nothing. */
  *runs(most: number): Task<Array<[from: number, to: number]> | undefined> {
    if (!this.#sparse) return this.#size === 0 ? [] : [[0, this.#size]];
    const runs: Array<[number, number]> = [];
    while (yield* this.#findData()) {
      if (runs.length === most) return undefined;
      runs.push([this.#position, this.#dataEnd]);
      this.#position = this.#dataEnd;
    }
    return runs;
  }

  *#findData(): Task<boolean> {
    if (!this.#sparse || this.#position >= this.#size) return false;
    try {
      this.#position = yield* this.#inode.seek(this.#position, 'data');
    } catch (error) {
      if (error instanceof FsError && error.errno === -ENXIO) return false;
      throw error;
    }
    this.#dataEnd = yield* this.#inode.seek(this.#position, 'hole');
    return true;
  }
}
