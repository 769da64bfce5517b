export { entryNameProblem } from './entry-name.ts';
export {
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
  type RenameMode,
  type SeekTarget,
  type Timestamp,
  type Written,
  type XattrMode,
} from './inode.ts';
export { INODES_CACHED_MAX, InodeCache } from './inode-cache.ts';
export { PATH_BYTES_MAX, type PathLike, pathBytes, type Resolved, SYMLINKS_MAX, type WalkOptions } from './path.ts';
export { TREE_PATH_BYTES_MAX, type TreeEvent, type TreeOrder, TreeWalk, type TreeWalkOptions } from './tree-walk.ts';
export { bytesEqual, compareBytes, joinBytes, utf8Decode, utf8DecodeStrict, utf8Encode } from './utf8.ts';
export {
  FIRST_DESCRIPTOR,
  OPEN_FILES_MAX,
  OpenFile,
  type OpenFileOptions,
  READ_FILE_BYTES_MAX,
  readToEnd,
  Vfs,
} from './vfs.ts';
