export {
  SPARSE_MAGIC,
  SparseChunkHeader,
  SparseChunkType,
  SparseHeader,
  type SparseHeaderFields,
} from './android-sparse.ts';
export { AndroidSparseDevice } from './android-sparse-device.ts';
export { type SparseVerification, verifyAndroidSparse } from './android-sparse-verify.ts';
export { type Container, recogniseContainer, type VolumeFormat, volumeByMagic } from './container.ts';
export { type ImageCorruptionKind, imageCorruptionKinds } from './corruption.ts';
export type { ForeignFormat } from './foreign-formats.ts';
export { GptEntry, GptHeader, readGpt } from './gpt.ts';
export { Mbr, MbrEntry, readMbr } from './mbr.ts';
export { CONTAINER_DEPTH_MAX, type ContainerOptions, type OpenedContainer, openContainer } from './open-container.ts';
export { PaddedDevice } from './padded-device.ts';
export { type PartitionPath, splitPartition } from './partition-suffix.ts';
export { type Partition, type PartitionTable, partitionLabel } from './partition-table.ts';
