export { balanceDirtyPages } from './balance-dirty-pages.ts';
export { BlockBits } from './block-bits.ts';
export { cacheProblems } from './cache-problems.ts';
export { type BlockCopy, DeviceMapping } from './device-mapping.ts';
export { ErrorCursor, ErrorSequence } from './error-sequence.ts';
export { Folio, FolioFlag } from './folio.ts';
export {
  cancelDirty,
  cancelDirtyBlocks,
  clearDirtyForIo,
  dirtyRunEnd,
  forgetDirtyBlocks,
  markDirty,
  nextDirtyBlock,
  redirty,
  redirtyFrom,
  redirtyOthers,
} from './folio-dirty.ts';
export { finishFolioWrite, lockFolioForWrite, lockOrCreateFolio } from './folio-for-write.ts';
export { FolioIndex, INDEX_END, Mark } from './folio-index.ts';
export { addWrite, endWrite, endWriteback, startWriteback, waitStable, waitWriteback } from './folio-writeback.ts';
export { FrameAllocator, ORDER_MAX, PAGE_SHIFT, PAGE_SIZE, SLAB_BYTES } from './frame-allocator.ts';
export { Mapping, type MappingOptions } from './mapping.ts';
export {
  CACHE_BYTES_DEFAULT,
  CACHE_BYTES_MIN,
  PageCache,
  type PageCacheOptions,
  type PageCacheStatistics,
} from './page-cache.ts';
export { peekPage, readPage } from './read-page.ts';
export { READAHEAD_PAGES_MAX, ReadaheadState, type ReadaheadWindow, randomWindow } from './readahead.ts';
export { discardRange, truncateMapping } from './truncate.ts';
