// Two copies of the superblock, one volume: which of them to believe, and what to say when it is neither. Linux takes
// copy 0 when it is sound and copy 1 otherwise; a writer replaces the copy that is not in force first.

import { Corruption, EINVAL, FsError } from '@f2fskit/errno';
import { SUPER_OFFSET, SUPER_SIZE } from './constants.ts';
import { corrupt } from './corruption.ts';
import { recogniseForeign } from './recognise.ts';
import { decodeSuperblock, type Superblock } from './superblock.ts';

/** What {@link selectSuperblock} found. */
export interface SelectedSuperblock {
  readonly superblock: Superblock;
  /** The copy that was taken: block 0 or block 1. */
  readonly copy: 0 | 1;
  /** What is wrong with the other copy, or between the two; empty on a healthy volume. */
  readonly problems: Corruption[];
}

/**
 * Chooses between the two copies: copy 0 if it is sound, else copy 1. Each argument is the copy's 3072 bytes, or the
 * positive error number of the read that failed. `first`, when given, is the first bytes of the volume (the more the
 * better, 68 KiB see everything); they only serve to name a foreign filesystem.
 *
 * @throws the error of copy 0, with the error of copy 1 as `cause`, when neither is sound.
 * @throws FsError EINVAL, as Linux does, when neither has the magic number; the detail names a format that was
 *   recognised.
 * @throws FsError EOPNOTSUPP for volumes whose blocks are not 4 KiB.
 */
export function selectSuperblock(
  copy0: Uint8Array | number,
  copy1: Uint8Array | number,
  first?: Uint8Array,
): SelectedSuperblock {
  const superblock0 = attempt(copy0, 0);
  // The second copy of a volume with larger blocks lies elsewhere: nothing at block 1 can speak for it.
  if (superblock0 instanceof FsError && superblock0.code === 'EOPNOTSUPP') throw superblock0;
  const superblock1 = attempt(copy1, 1);
  if (!(superblock0 instanceof FsError)) {
    const problems = superblock1 instanceof FsError ? [asProblem(superblock1, 1)] : compareCopies(copy0, copy1);
    return { superblock: superblock0, copy: 0, problems };
  }
  if (!(superblock1 instanceof FsError)) {
    return { superblock: superblock1, copy: 1, problems: [asProblem(superblock0, 0)] };
  }
  if (lacksMagic(superblock0) && lacksMagic(superblock1)) throw notF2fs(superblock0, copy0, first);
  throw withCause(superblock0, superblock1);
}

function attempt(copy: Uint8Array | number, block: 0 | 1): Superblock | FsError {
  if (typeof copy === 'number') {
    return new FsError(copy, { syscall: 'read', detail: `superblock copy ${block}` });
  }
  try {
    return decodeSuperblock(copy, block);
  } catch (error) {
    if (error instanceof FsError) return error;
    throw error;
  }
}

/** A copy that could not be read is a problem of its own kind, with the medium's error as its cause. */
function asProblem(error: FsError, block: number): Corruption {
  return error instanceof Corruption
    ? error
    : corrupt('superblockRead', { where: { block }, detail: error.message, cause: error });
}

function compareCopies(copy0: Uint8Array | number, copy1: Uint8Array | number): Corruption[] {
  if (typeof copy0 === 'number' || typeof copy1 === 'number') return [];
  for (let offset = 0; offset < SUPER_SIZE; offset++) {
    if (copy0[offset] === copy1[offset]) continue;
    const where = { block: 1, offset: SUPER_OFFSET + offset };
    return [corrupt('superblockCopies', { where, expected: copy0[offset]!, found: copy1[offset]! })];
  }
  return [];
}

function lacksMagic(error: FsError): boolean {
  return error instanceof Corruption && (error.kind === 'superblockMagic' || error.kind === 'superblockRead');
}

function notF2fs(cause: FsError, copy0: Uint8Array | number, first?: Uint8Array): FsError {
  let head = first;
  if (head === undefined && typeof copy0 !== 'number') {
    head = new Uint8Array(SUPER_OFFSET + copy0.length);
    head.set(copy0, SUPER_OFFSET);
  }
  const foreign = head === undefined ? undefined : recogniseForeign(head);
  const detail = foreign === undefined ? 'no F2FS superblock' : `this is ${foreign.name}, not F2FS; ${foreign.hint}`;
  return new FsError(EINVAL, { detail, cause });
}

/** The same error again, now with a cause: `cause` can only be given when an error is made. */
function withCause(error: FsError, cause: FsError): FsError {
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true, enumerable: false });
  return error;
}
