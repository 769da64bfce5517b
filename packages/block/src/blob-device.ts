// A Blob, or a File of the browser, as a device: read-only, many requests in flight. Blobs are immutable, but the file
// behind one may vanish or change: then its reads fail.

import { EIO, ENODEV } from '@f2fskit/errno';
import type { Completion } from '@f2fskit/task';
import { type Bio, SECTOR_SIZE } from './bio.ts';
import { type BlockDevice, checkBio, endWithoutTransfer } from './device.ts';
import { Lifetime } from './lifetime.ts';
import { scatter } from './segments.ts';

/** What a device needs of a Blob. */
export interface BlobLike {
  /** Bytes. */
  readonly size: number;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** The content of a Blob. A partial last sector is left out. */
export class BlobDevice implements BlockDevice {
  readonly name: string;
  readonly mode = 'async';
  readonly size: number;
  readonly readOnly = true;
  readonly canDiscard = false;
  readonly segmentsMax = Number.POSITIVE_INFINITY;
  readonly #blob: BlobLike;
  readonly #lifetime = new Lifetime();

  constructor(blob: BlobLike, name = 'blob') {
    this.name = name;
    this.size = blob.size - (blob.size % SECTOR_SIZE);
    this.#blob = blob;
  }

  submit(bio: Bio): void {
    const error = this.#lifetime.open ? checkBio(this, bio) : ENODEV;
    this.#lifetime.track(bio);
    if (error !== 0 || bio.operation !== 'read' || bio.size === 0) endWithoutTransfer(this.mode, bio, error);
    else void this.#read(bio);
  }

  close(): Completion {
    return this.#lifetime.close(() => undefined);
  }

  async #read(bio: Bio): Promise<void> {
    const bytes = await this.#bytes(bio.offset, bio.endOffset);
    // A Blob whose file has become shorter answers with fewer bytes. It does not say why it fails.
    if (bytes?.byteLength !== bio.size) {
      bio.end(EIO);
      return;
    }
    scatter(bytes, bio.segments);
    bio.end();
  }

  async #bytes(start: number, end: number): Promise<Uint8Array | undefined> {
    try {
      return new Uint8Array(await this.#blob.slice(start, end).arrayBuffer());
    } catch {
      return undefined;
    }
  }
}
