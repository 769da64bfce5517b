// Containers made in memory: for tests of whoever reads them. Nothing here is needed to open one.

export { buildGptDisk, buildMbrDisk, type DiskPartition, type GptDiskOptions } from './disk-builder.ts';
export { buildSparse, type SparseOptions, type SparsePiece, sparsePieces, unpackPieces } from './sparse-builder.ts';
