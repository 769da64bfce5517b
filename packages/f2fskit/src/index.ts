// f2fskit without a platform: for browsers, and for whoever brings a device. Node's entry adds paths.

export { Corruption, FsError } from '@f2fskit/errno';
export type { VolumeProblem, VolumeUsage } from '@f2fskit/f2fs';
export { SyncUnavailableError } from '@f2fskit/task';
export type { Attributes, DirectoryEntry, InodeKind, PathLike } from '@f2fskit/vfs';
export { withPath } from './edge.ts';
export { type ExtractExample, type ExtractReason, ExtractReport } from './extract/report.ts';
export { TarArchive, type TarOptions } from './extract/tar-archive.ts';
export { deviceOf, type ImageOptions, type OpenImage, type VolumeSource } from './image.ts';
export { type IncrementalHash, Manifest, type ManifestOptions, type ManifestRecord } from './manifest.ts';
export { type OpenOptions, openVolume, openVolumeSync } from './open.ts';
export { Volume, type VolumePromises } from './volume.ts';
