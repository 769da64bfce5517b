export { balanceDirtyPages } from './balance-dirty-pages.ts';
export { flushFile } from './flush-file.ts';
export { type DirtyFile, Flusher, type FlusherOptions } from './flusher.ts';
export { PageBios, type PageBiosOptions, type WriteReceiver } from './page-bios.ts';
export { finishPageWrite, lockPageForWrite } from './page-for-write.ts';
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
export { type BlockPlace, type PlaceBlock, writeSinglePage } from './write-single-page.ts';
export { BytesSource, type WriteSource } from './write-source.ts';
export { WritebackGate } from './writeback-gate.ts';
export { type PassResult, type WritebackControl, type WritebackMode, WritebackPass } from './writeback-pass.ts';
