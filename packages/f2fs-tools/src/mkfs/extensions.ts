// The extension lists of a new volume. Linux looks at them when a file is created: a name with a cold extension gets the
// advice "rarely changed", one with a hot extension "often changed", and the data goes to a log of its own.

import { EINVAL, FsError } from '@f2fskit/errno';
import { MAX_EXTENSIONS } from '@f2fskit/f2fs-format';
import { utf8Encode } from '@f2fskit/vfs/utf8';

/** Bytes of an entry; one of them stays NUL. */
export const EXTENSION_BYTES = 8;

/** Media, archives, programs: written once. `mp` covers mp3 and mp4, because the beginning of an extension counts. */
export const defaultColdExtensions: readonly string[] = (
  'mp wm og jp avi m4v m4p mkv mov webm wav m4a 3gp opus flac gif png svg webp jar ' +
  'deb iso gz xz zst pdf pyc ttc ttf exe apk cnt exo odex vdex so'
).split(' ');

/** Databases and disk images: changed in place. */
export const defaultHotExtensions: readonly string[] = ['db', 'vmdk', 'vdi', 'qcow2'];

/** Both lists as the superblock will hold them. */
export interface ExtensionLists {
  readonly cold: readonly string[];
  readonly hot: readonly string[];
  /** What was left out, for people. */
  readonly warnings: readonly string[];
}

/**
 * The default lists with the caller's entries after them. What does not fit an entry or is there already is left out,
 * as mkfs.f2fs does; the first gets a warning.
 *
 * @throws FsError EINVAL when the cold ones leave no room for the default hot ones.
 */
export function extensionLists(cold: readonly string[], hot: readonly string[]): ExtensionLists {
  const warnings: string[] = [];
  const coldList = [...defaultColdExtensions];
  const coldRoom = MAX_EXTENSIONS - defaultHotExtensions.length;
  for (const extension of cold) {
    if (!isUsable(extension, 'coldExtensions', warnings) || coldList.includes(extension)) continue;
    if (coldList.length === coldRoom) {
      throw new FsError(EINVAL, `coldExtensions: at most ${coldRoom - defaultColdExtensions.length} more have room`);
    }
    coldList.push(extension);
  }
  const hotList = [...defaultHotExtensions];
  for (const extension of hot) {
    if (!isUsable(extension, 'hotExtensions', warnings)) continue;
    if (coldList.includes(extension) || hotList.includes(extension)) continue;
    if (coldList.length + hotList.length === MAX_EXTENSIONS) {
      warnings.push(`hotExtensions: no room for '${extension}', the lists are full`);
    } else hotList.push(extension);
  }
  return { cold: coldList, hot: hotList, warnings };
}

function isUsable(extension: string, option: string, warnings: string[]): boolean {
  const { length } = utf8Encode(extension);
  if (length >= EXTENSION_BYTES)
    warnings.push(`${option}: '${extension}' is longer than ${EXTENSION_BYTES - 1} bytes: left out`);
  return length > 0 && length < EXTENSION_BYTES;
}
