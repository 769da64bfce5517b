// f2fskit without a platform: for browsers, and for whoever brings a device. Node's entry adds paths.

export { Corruption, FsError } from '@f2fskit/errno';
export {
  type BufferedIo,
  type CompressionOptions,
  parseCompressionOptions,
  type VolumeProblem,
  type VolumeUsage,
} from '@f2fskit/f2fs';
export {
  AbortError,
  type BigIntStats,
  constants,
  type Dir,
  type Dirent,
  FileHandle,
  type FsPromises,
  type FsSync,
  type PathLike,
  type Stats,
  withPath,
} from '@f2fskit/node-fs';
export { SyncUnavailableError } from '@f2fskit/task';
export { type Attributes, type DirectoryEntry, FileFlag, type InodeKind } from '@f2fskit/vfs';
export { type ExtractExample, type ExtractReason, ExtractReport } from './extract/report.ts';
export { TarArchive, type TarOptions } from './extract/tar-archive.ts';
export { deviceOf, type ImageOptions, type OpenImage, type VolumeSource } from './image.ts';
export { type IncrementalHash, Manifest, type ManifestOptions, type ManifestRecord } from './manifest.ts';
export { type OpenOptions, openVolume, openVolumeSync } from './open.ts';
export { Volume } from './volume.ts';
