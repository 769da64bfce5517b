// What a device needs of the File System standard, as structural types: nothing here depends on the DOM's declarations,
// and a test can have its own file. The browser's FileSystemFileHandle and FileSystemSyncAccessHandle fit.

import type { BlobLike } from '../blob-device.ts';

/** An open file of OPFS, in a dedicated worker: calls that finish at once. Whoever has one holds a lock on the file. */
export interface SyncAccessHandleLike {
  /** Bytes. */
  getSize(): number;
  /** Bytes read: fewer than asked for at the end of the file. */
  read(target: Uint8Array, options: { at: number }): number;
  /** Bytes written. */
  write(source: Uint8Array, options: { at: number }): number;
  flush(): void;
  /** Lets go of the lock. */
  close(): void;
}

/** A file of OPFS, or one that a person picked. */
export interface FileHandleLike {
  readonly kind: 'file';
  readonly name: string;
  /** The file as it is now, without a lock. Once the file has changed, reads of it fail. */
  getFile(): Promise<BlobLike>;
  /**
   * Only in dedicated workers, and only for files of OPFS. `read-only` shares the lock with others that only read;
   * browsers that do not know `mode` take the file for themselves.
   */
  createSyncAccessHandle?(options?: { mode?: 'read-only' | 'readwrite' }): Promise<SyncAccessHandleLike>;
}
