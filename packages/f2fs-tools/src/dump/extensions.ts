// The extension list of a superblock as it is, sound or not.

import { untilNul } from '@f2fskit/f2fs-format';
import { utf8Decode } from '@f2fskit/vfs';

const EXTENSION_BYTES = 8;

/** The extensions of the list; those behind the first `coldCount` are marked hot. */
export function extensionsOf(list: Uint8Array, coldCount: number): string[] {
  const shown: string[] = [];
  for (let at = 0; at < list.length; at += EXTENSION_BYTES) {
    const name = utf8Decode(untilNul(list.subarray(at, at + EXTENSION_BYTES)));
    if (name !== '') shown.push(at / EXTENSION_BYTES < coldCount ? name : `${name} (hot)`);
  }
  return shown;
}
