// Which engine moves file data between callers, the page cache and the device.
//
//   iomap  folios of any size, mappings of runs of blocks, runs of blocks to the device: the default
//   page   one page at a time, in the cache and to the device: as F2FS does without large folios. For comparison
//
// They differ in nothing else: lookup, allocation, locks and checkpoints are the same code, and what ends up on the volume is
// the same.

import { EINVAL, FsError } from '@f2fskit/errno';

const ENGINES = ['iomap', 'page'] as const;

export type BufferedIo = (typeof ENGINES)[number];

/** The engine of that name; the default one for `undefined`. Throws EINVAL for anything else, and says what there is. */
export function bufferedIoOf(name: unknown): BufferedIo {
  if (name === undefined) return 'iomap';
  const engine = ENGINES.find((each) => each === name);
  if (engine !== undefined) return engine;
  const engines = ENGINES.map((each) => `'${each}'`).join(' or ');
  const found = typeof name === 'string' ? `'${name}'` : typeof name;
  throw new FsError(EINVAL, `bufferedIo has to be ${engines}, not ${found}`);
}
