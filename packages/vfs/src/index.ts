export { BytesSource, type Timer, type WriteSource } from '@f2fskit/writeback';
export type { NodeRequest } from './change-names.ts';
export { directoryEntries, listingOf } from './directory-entries.ts';
export { entryNameProblem } from './entry-name.ts';
export type { FileCompression, FileCompressionSettings, FileCompressionUsage } from './file-compression.ts';
export { holding } from './hold.ts';
export {
  type AllocationMode,
  type AttributeChanges,
  type Attributes,
  type DirectoryBatch,
  type DirectoryEntry,
  type DirectoryHome,
  type DirectoryReader,
  type ExtendedAttribute,
  type ExtentReader,
  type FileExtent,
  FileFlag,
  type Filesystem,
  type FilesystemUsage,
  type Inode,
  type InodeKind,
  type NewFileOptions,
  type NewNodeOptions,
  type RangeSyncMode,
  type RenameMode,
  type SeekTarget,
  type Timestamp,
  type Written,
  type XattrMode,
} from './inode.ts';
export { INODES_CACHED_MAX, InodeCache } from './inode-cache.ts';
export type { Ownership } from './new-file.ts';
export { type FileAccess, type FileMode, OpenFile, type WriteDurability } from './open-file.ts';
export type { OpenOptions } from './open-path.ts';
export {
  lookupInode,
  PATH_BYTES_MAX,
  type PathLike,
  pathBytes,
  type Resolved,
  SYMLINKS_MAX,
  type WalkOptions,
} from './path.ts';
export { READ_FILE_BYTES_MAX, readToEnd } from './read-to-end.ts';
export { TREE_PATH_BYTES_MAX, type TreeEvent, type TreeOrder, TreeWalk, type TreeWalkOptions } from './tree-walk.ts';
export { bytesEqual, compareBytes, joinBytes, utf8Decode, utf8DecodeStrict, utf8Encode } from './utf8.ts';
export { FIRST_DESCRIPTOR, type LinkOptions, OPEN_FILES_MAX, Vfs } from './vfs.ts';
export type { Writable } from './write-source.ts';
