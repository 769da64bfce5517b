// One page of a mapping that lies in one place of a device: how metadata is cached. A hit is a plain call (`peekPage`); a miss
// reads the page under its lock, once, however many tasks want it. A read that fails leaves the page without content, and
// the next who wants it tries again.

import { BioFlag, type BlockDevice, readBio, throwIfFailed } from '@f2fskit/block';
import type { Task } from '@f2fskit/task';
import { type Folio, FolioFlag } from './folio.ts';
import type { Mapping } from './mapping.ts';

/** The page if it is cached and uptodate; valid until the next wait. */
export function peekPage(mapping: Mapping, index: number): Folio | undefined {
  const folio = mapping.find(index);
  if (folio === undefined || (folio.flags & FolioFlag.UPTODATE) === 0) return undefined;
  folio.flags |= FolioFlag.REFERENCED;
  return folio;
}

/**
 * The page, read from byte `offset` of the device if need be; valid until the next wait (take a reference to keep it
 * longer). Throws EIO naming device and offset.
 */
export function* readPage(mapping: Mapping, index: number, device: BlockDevice, offset: number): Task<Folio> {
  for (;;) {
    let folio = mapping.find(index);
    if (folio === undefined) {
      folio = mapping.create(index, 0);
      if (folio === undefined) {
        yield* mapping.cache.waitForRoom();
        continue;
      }
      folio.get();
    } else {
      folio.get();
      if (!folio.tryLock()) yield* folio.lock();
    }
    try {
      // The page may have been dropped while we waited for its lock (I-2).
      if (folio.mapping !== mapping) continue;
      if (!folio.uptodate) {
        const bio = readBio(offset, [folio.bytes], BioFlag.META);
        device.submit(bio);
        if (!bio.completion.done) yield bio.completion;
        throwIfFailed(device, bio);
        folio.address = offset / folio.size;
        folio.markUptodate();
      }
      folio.flags |= FolioFlag.REFERENCED;
      return folio;
    } finally {
      folio.unlock();
      folio.put();
    }
  }
}
