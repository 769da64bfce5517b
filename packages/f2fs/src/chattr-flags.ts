// The attributes that lsattr(1) and FS_IOC_GETFLAGS show: most are bits of the inode's own flags, some stand elsewhere in it.
// Source: spec 6.5 and 6.6; kernel fs/f2fs/file.c.

import { Advise, InlineFlag, type InodeFields } from '@f2fskit/f2fs-format';
import { FileFlag } from '@f2fskit/vfs';

/** Bits of the inode's flags that have the same value in FS_IOC_GETFLAGS and are shown. */
const SHOWN =
  FileFlag.compressed |
  FileFlag.sync |
  FileFlag.immutable |
  FileFlag.appendOnly |
  FileFlag.noDump |
  FileFlag.noAtime |
  FileFlag.noCompress |
  FileFlag.indexed |
  FileFlag.dirSync |
  FileFlag.projectInherit |
  FileFlag.caseFold;

/** Bits of `FileFlag`. */
export function chattrFlags({ flags, advise, inlineFlags }: InodeFields): number {
  let shown = flags & SHOWN;
  if ((advise & Advise.encrypt) !== 0) shown |= FileFlag.encrypted;
  if ((advise & Advise.verity) !== 0) shown |= FileFlag.verity;
  if ((inlineFlags & (InlineFlag.data | InlineFlag.dentry)) !== 0) shown |= FileFlag.inlineData;
  if ((inlineFlags & InlineFlag.pinFile) !== 0) shown |= FileFlag.noCow;
  return shown;
}
