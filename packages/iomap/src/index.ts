export type { BufferedFile, ReadOperations } from './buffered-file.ts';
export { peekBuffered, readBuffered } from './buffered-read.ts';
export { type Extent, ExtentList } from './extents.ts';
export { type FailedRange, FolioRead } from './folio-read.ts';
export { Iomap, IomapFlag, type IomapKind, type IomapOperations, IomapRequest } from './iomap.ts';
export { IomapIterator } from './iterator.ts';
export { ReadBatch, type ReadReceiver } from './read-batch.ts';
export { readBlocks, readFolios } from './read-folios.ts';
export { seekData, seekHole } from './seek.ts';
