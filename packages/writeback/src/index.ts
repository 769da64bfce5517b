export { BytesSource, type WriteSource } from '@f2fskit/iomap';
export { flushFile } from './flush-file.ts';
export { type DirtyFile, Flusher, type FlusherOptions } from './flusher.ts';
export { PageBios, type PageBiosOptions, type WriteReceiver } from './page-bios.ts';
export { type PageWriteOperations, performWrite } from './perform-write.ts';
export { submitBeforeWaits } from './submit-before-waits.ts';
export type { Timer } from './timer.ts';
export {
  type PageResult,
  type PageWriter,
  type WritePagesOptions,
  waitForWriteback,
  writeCachePages,
} from './write-cache-pages.ts';
export { type FolioRange, type FolioWriter, writeFolios } from './write-folios.ts';
export { type BlockPlace, type PlaceBlock, writeSinglePage } from './write-single-page.ts';
export { WritebackGate } from './writeback-gate.ts';
export { WritebackIterator, type WrittenFile } from './writeback-iterator.ts';
export { type PassResult, type WritebackControl, type WritebackMode, WritebackPass } from './writeback-pass.ts';
