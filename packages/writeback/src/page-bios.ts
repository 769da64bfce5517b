// Write requests for pages, merged as they come: a page is appended to the open bio of its stream if the device continues there,
// else that bio is submitted and a new one opened. A stream is whatever fills a place of the device in order (a log of a
// log-structured filesystem); one open bio each, so that streams that alternate do not cut each other's bios.
//
//   begin(folio)   the folio, locked and taken for writing, is under writeback
//   add(…)         a part of it, at a place of the device; counted before the device can end it
//   finish(folio)  no more parts: when the last one has ended, the writeback has
//   submit()       before any wait (`submitBeforeWaits`), and at the end of whatever added something
//
// A bio is not a folio: parts of one folio may travel in several bios, parts of many folios, even of many files, in one.
// When a bio fails, the parts that it did not transfer are errors of their mappings; the folios end clean (spec 3.5).
// Source: spec sections 15.6 and 20.

import { type Bio, BioFlag, type BlockDevice, writeBio } from '@f2fskit/block';
import { assert } from '@f2fskit/errno';
import { addWrite, endWrite, Folio, forgetDirtyBlocks, Mark, startWriteback } from '@f2fskit/pagecache';
import { Completion, type Task } from '@f2fskit/task';

/** Who is told about a piece of memory that is not a folio's. */
export interface WriteReceiver {
  /** The piece has been written, or not (`error` > 0). Possibly before `add` returns. Must not throw. */
  onWritten(error: number): void;
}

export interface PageBiosOptions {
  /** The most bytes of a bio. Default 4 MiB. */
  bytesMax?: number;
  /** The most pieces of memory of a bio, in addition to the device's own limit. Default 256. */
  segmentsMax?: number;
}

/** A bio to which more is added. Memory that continues the last piece becomes part of it when the piece is complete. */
interface OpenBio {
  bio: Bio;
  receivers: Array<Folio | WriteReceiver>;
  lengths: number[];
  /** The last piece, which the bio has not got yet: bytes [from, to) of `buffer`. */
  buffer: ArrayBufferLike;
  from: number;
  to: number;
}

const BYTES_MAX = 4 * 1024 * 1024;
const SEGMENTS_MAX = 256;

export class PageBios {
  readonly device: BlockDevice;
  /** Bios submitted so far. */
  submitted = 0;
  /** Bios submitted that have not ended. */
  inFlight = 0;
  readonly #bytesMax: number;
  readonly #segmentsMax: number;
  readonly #open = new Map<number, OpenBio>();
  #idle: Completion | undefined = undefined;

  constructor(device: BlockDevice, options: PageBiosOptions = {}) {
    this.device = device;
    this.#bytesMax = options.bytesMax ?? BYTES_MAX;
    this.#segmentsMax = Math.min(options.segmentsMax ?? SEGMENTS_MAX, device.segmentsMax);
  }

  /** Bios that are not submitted. */
  get held(): number {
    return this.#open.size;
  }

  /**
   * The writeback of a folio begins, and with it the time in which parts of it are added. It keeps its tag until it is known
   * that no part has been left out.
   */
  begin(folio: Folio): void {
    startWriteback(folio, true);
    addWrite(folio);
  }

  /**
   * Writes the bytes [from, to) of a folio at byte `offset` of the device. `flags`: bits of `BioFlag`, hints only: a
   * promise (PREFLUSH, FUA) would be made for everything that travels along.
   */
  add(folio: Folio, from: number, to: number, offset: number, stream = 0, flags = 0): void {
    addWrite(folio);
    const { bytes } = folio;
    const memory = from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to);
    this.#append(memory, offset, folio, stream, flags);
  }

  /** Writes memory that is no folio's and must stay as it is until `receiver` is told. */
  addMemory(memory: Uint8Array, offset: number, receiver: WriteReceiver, stream = 0, flags = 0): void {
    this.#append(memory, offset, receiver, stream, flags);
  }

  /**
   * No more parts of a folio are added: what was dirty in it is on its way, or has been dirtied again. Under the lock under
   * which it began; the writeback may be over then.
   */
  finish(folio: Folio): void {
    if (!folio.dirty) {
      forgetDirtyBlocks(folio);
      folio.mapping!.index.clearMark(folio, Mark.TOWRITE);
    }
    endWrite(folio);
  }

  /** Submits what is held; of one stream only, if one is given. */
  submit(stream?: number): void {
    if (stream !== undefined) {
      const open = this.#open.get(stream);
      if (open !== undefined) this.#submit(stream, open);
    } else for (const [each, open] of this.#open) this.#submit(each, open);
  }

  /** Submits what is held and waits until nothing is in flight. Who adds on and on keeps it waiting. */
  *drain(): Task<void> {
    this.submit();
    while (this.inFlight > 0) {
      this.#idle ??= new Completion();
      yield this.#idle;
    }
  }

  #append(memory: Uint8Array, offset: number, receiver: Folio | WriteReceiver, stream: number, flags: number): void {
    assert((flags & (BioFlag.PREFLUSH | BioFlag.FUA)) === 0, 'bios that are merged make no promises');
    const { buffer, byteOffset, byteLength } = memory;
    const end = byteOffset + byteLength;
    const open = this.#open.get(stream);
    if (open !== undefined) {
      const { bio } = open;
      const size = bio.size + open.to - open.from;
      const continues = open.buffer === buffer && open.to === byteOffset;
      const fits = continues || bio.segments.length + 1 < this.#segmentsMax;
      if (fits && bio.offset + size === offset && bio.flags === flags && size + byteLength <= this.#bytesMax) {
        if (!continues) {
          bio.append(pieceOf(open));
          open.buffer = buffer;
          open.from = byteOffset;
        }
        open.to = end;
        open.receivers.push(receiver);
        open.lengths.push(byteLength);
        return;
      }
      this.#submit(stream, open);
    }
    const bio = writeBio(offset, [], flags);
    this.#open.set(stream, { bio, receivers: [receiver], lengths: [byteLength], buffer, from: byteOffset, to: end });
  }

  #submit(stream: number, open: OpenBio): void {
    this.#open.delete(stream);
    this.submitted++;
    this.inFlight++;
    open.bio.append(pieceOf(open));
    open.bio.completion.subscribe(() => this.#ended(open));
    this.device.submit(open.bio);
  }

  #ended({ bio, receivers, lengths }: OpenBio): void {
    const { error } = bio.completion;
    let transferred = bio.size - bio.residual;
    for (const [index, receiver] of receivers.entries()) {
      const written = lengths[index]! <= transferred;
      transferred = written ? transferred - lengths[index]! : 0;
      const failed = written ? 0 : error;
      if (receiver instanceof Folio) {
        if (failed !== 0) receiver.mapping?.setError(failed);
        endWrite(receiver);
      } else receiver.onWritten(failed);
    }
    if (--this.inFlight > 0) return;
    const idle = this.#idle;
    this.#idle = undefined;
    idle?.complete();
  }
}

function pieceOf({ buffer, from, to }: OpenBio): Uint8Array {
  return new Uint8Array(buffer, from, to - from);
}
