import { Advise, BLOCK_SIZE, COMPRESS_ADDRESS, InlineFlag } from '@f2fskit/f2fs-format';
import type { TestInode } from '@f2fskit/f2fs-node/test-volume';
import { runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { bytesOf, inlineAreaOf } from '../test/dentries.ts';
import { contextOf } from '../test/file-context.ts';
import { corruptionOf, errorOf, MountableVolume, SYMLINK } from '../test/mountable-volume.ts';
import { readLinkTarget } from './symlink.ts';

const INO = 10;

/** A symlink that stores these bytes, inline or in a block. */
function openLink(stored: Uint8Array, inline: boolean, more: TestInode = {}) {
  const volume = new MountableVolume();
  const base: TestInode = { mode: SYMLINK, size: stored.length };
  if (inline) {
    const raw = (_: DataView, block: Uint8Array): void => block.set(stored, inlineAreaOf({}).offset);
    volume.inode(INO, { ...base, inline: InlineFlag.data | InlineFlag.dataExist, raw, ...more });
  } else {
    const address = volume.allocate();
    const block = new Uint8Array(BLOCK_SIZE);
    block.set(stored);
    volume.write(address, block);
    volume.inode(INO, { ...base, blocks: 2, slots: [address], ...more });
  }
  const context = contextOf(volume);
  return { context, inode: runSync(context.store.readInode(INO)) };
}

function targetOf(stored: Uint8Array, inline: boolean, more?: TestInode): string {
  const { context, inode } = openLink(stored, inline, more);
  return Buffer.from(runSync(readLinkTarget(context, inode))).toString('latin1');
}

function refusal(stored: Uint8Array, inline: boolean, more?: TestInode) {
  const { context, inode } = openLink(stored, inline, more);
  return corruptionOf(readLinkTarget(context, inode));
}

describe.each([
  ['inline', true],
  ['in a block', false],
])('a target %s', (_, inline) => {
  it('is its bytes', () => {
    expect(targetOf(bytesOf('../usr/bin'), inline)).toBe('../usr/bin');
    expect(targetOf(Uint8Array.of(0xff, 0x2f), inline)).toBe('\xff/');
  });

  it('ends at the first NUL', () => {
    expect(targetOf(bytesOf('a/b\0\0\0'), inline)).toBe('a/b');
  });

  it('is never empty', () => {
    expect(refusal(new Uint8Array(0), inline)).toMatchObject({ kind: 'symlink', where: { ino: INO }, found: 0 });
    expect(refusal(new Uint8Array(5), inline)).toMatchObject({ kind: 'symlink', found: 'NULs' });
  });

  it('is shown in its no-key form where it is encrypted (spec A.7)', () => {
    const shown = 'AAAAAAAAAABxnR71r2S8VLHWPYGCYLIsfOhpHiHKP_kIj4odJU1GZA';
    const stored = Buffer.concat([Uint8Array.of(32, 0), Buffer.from(shown, 'base64url').subarray(8)]);
    const advise = Advise.encrypt | Advise.encryptedName;
    expect(targetOf(stored, inline, { advise })).toBe(shown);
  });

  it.each([
    ['nothing', [0, 0, 1, 2]],
    ['more than is stored', [3, 0, 1, 2]],
    ['more than a block', [0xff, 0xff, 1, 2]],
    ['half a length', [1]],
  ])('is refused when it is encrypted and claims %s', (_name, bytes) => {
    expect(refusal(Uint8Array.from(bytes), inline, { advise: Advise.encrypt }).kind).toBe('symlink');
  });
});

describe('a target in a block', () => {
  it('has at most 4096 bytes', () => {
    const longest = new Uint8Array(BLOCK_SIZE).fill(0x61);
    expect(targetOf(longest, false)).toBe('a'.repeat(4096));
    // fsck.f2fs gives a symlink without a size this one; the NULs end the target.
    longest.fill(0, 4);
    expect(targetOf(longest, false)).toBe('aaaa');
    expect(refusal(longest, false, { size: BLOCK_SIZE + 1 })).toMatchObject({ kind: 'symlink', found: BLOCK_SIZE + 1 });
    expect(refusal(longest, false, { size: 2 ** 40 }).kind).toBe('symlink');
  });

  it('is refused when its block is not there, or nowhere', () => {
    expect(refusal(bytesOf('abc'), false, { slots: [0] })).toMatchObject({ kind: 'symlink', found: 'NULs' });
    expect(refusal(bytesOf('abc'), false, { slots: [1] }).kind).toBe('blockAddress');
    expect(refusal(bytesOf('abc'), false, { slots: [COMPRESS_ADDRESS] }).kind).toBe('clusterLayout');
  });

  it('that cannot be read is EIO', () => {
    const volume = new MountableVolume({ deviceBlocks: 4100 });
    volume.inode(INO, { mode: SYMLINK, size: 5, blocks: 2, slots: [5000] });
    const context = contextOf(volume);
    expect(errorOf(readLinkTarget(context, runSync(context.store.readInode(INO)))).code).toBe('EIO');
  });
});
