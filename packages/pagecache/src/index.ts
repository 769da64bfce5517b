export { BlockBits } from './block-bits.ts';
export { type BlockCopy, DeviceMapping } from './device-mapping.ts';
export { Folio, FolioFlag } from './folio.ts';
export { FolioIndex, INDEX_END, Mark } from './folio-index.ts';
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
