import { FaultDevice } from '@f2fskit/block';
import { Advise, BLOCK_SIZE, ExtraAttributes, Feature, InlineFlag, RawInode } from '@f2fskit/f2fs-format';
import type { TestInode } from '@f2fskit/f2fs-node/test-volume';
import { runSync } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { inlineAreaOf } from '../test/dentries.ts';
import { corruptionOf, DIRECTORY, errorOf, inodeOf, MountableVolume, SYMLINK } from '../test/mountable-volume.ts';
import type { F2fsInode } from './inode.ts';

const INO = 10;
const features = Feature.extraAttr | Feature.inodeCrtime;

function open(description: TestInode): F2fsInode {
  const volume = new MountableVolume({ features });
  volume.inode(INO, description);
  return inodeOf(volume.mount(), INO);
}

describe('F2fsInode', () => {
  it('shows what stat shows', () => {
    const raw = (view: DataView): void => {
      RawInode.uid.set(view, 0, 1000);
      RawInode.gid.set(view, 0, 0xffff_ffff);
      RawInode.accessSeconds.set(view, 0, -5_000_000_000);
      RawInode.accessNanoseconds.set(view, 0, 999_999_999);
      RawInode.modifySeconds.set(view, 0, 1_700_000_000);
      RawInode.changeSeconds.set(view, 0, 2 ** 32);
      ExtraAttributes.createSeconds.set(view, 360, 5);
    };
    expect(open({ mode: 0o104755, links: 2, size: 5000, blocks: 3, raw }).attributes()).toEqual({
      ino: INO,
      kind: 'file',
      mode: 0o104755,
      links: 2,
      uid: 1000,
      gid: 0xffff_ffff,
      size: 5000,
      blocks: 16, // without the inode's own block
      blockSize: 4096,
      deviceMajor: 0,
      deviceMinor: 0,
      atime: { seconds: -5_000_000_000, nanoseconds: 999_999_999 },
      mtime: { seconds: 1_700_000_000, nanoseconds: 0 },
      ctime: { seconds: 2 ** 32, nanoseconds: 0 },
      birthtime: { seconds: 5, nanoseconds: 0 },
    });
    expect(open({ extraSize: 12 }).attributes()).not.toHaveProperty('birthtime');
  });

  it('adds the sectors that inline data would take', () => {
    const inline = InlineFlag.data | InlineFlag.dataExist;
    expect(open({ inline, size: 513 }).attributes().blocks).toBe(2);
    expect(open({ inline, size: 0 }).attributes().blocks).toBe(0);
    expect(open({ inline, size: 100, blocks: 2 }).attributes().blocks).toBe(9); // with an xattr node
  });

  // Words as Linux wrote them (spec 8.3).
  it.each([
    [1, 3, 0x103, 0],
    [255, 255, 0xffff, 0],
    [0, 5, 5, 0],
    [0, 0, 0, 0],
    [256, 0, 0, 0x10000],
    [5, 256, 0, 0x100500],
    [259, 70000, 0, 0x11110370],
    [4095, 1048575, 0, 0xffffffff],
  ])('device %i:%i', (major, minor, small, large) => {
    for (const [mode, kind] of [
      [0o020644, 'char'],
      [0o060644, 'block'],
    ] as const) {
      for (const extraSize of [0, 4, 36]) {
        const { deviceMajor, deviceMinor, kind: found } = open({ mode, extraSize, slots: [small, large] }).attributes();
        expect([found, deviceMajor, deviceMinor]).toEqual([kind, major, minor]);
      }
    }
    expect(open({ slots: [small, large] }).attributes()).toMatchObject({ deviceMajor: 0, deviceMinor: 0 });
  });

  it.each([
    ['file', 0o100644, ['ENOTDIR', 'ENOTDIR', 'EINVAL', undefined]],
    ['directory', DIRECTORY, [undefined, undefined, 'EINVAL', 'EISDIR']],
    ['symlink', SYMLINK, ['ENOTDIR', 'ENOTDIR', undefined, 'EINVAL']],
    ['char', 0o020644, ['ENOTDIR', 'ENOTDIR', 'EINVAL', 'EINVAL']],
    ['block', 0o060644, ['ENOTDIR', 'ENOTDIR', 'EINVAL', 'EINVAL']],
    ['fifo', 0o010644, ['ENOTDIR', 'ENOTDIR', 'EINVAL', 'EINVAL']],
    ['socket', 0o140644, ['ENOTDIR', 'ENOTDIR', 'EINVAL', 'EINVAL']],
  ] as const)('a %s does what it can, and refuses the rest by name', (kind, mode, codes) => {
    const [address] = [4096 + 100];
    const raw = (_: DataView, block: Uint8Array): void => {
      if (kind === 'symlink') block.set([0x61], inlineAreaOf({}).offset);
    };
    const inline = kind === 'symlink' ? { inline: InlineFlag.data } : { slots: [address] };
    const inode = open({ mode, size: kind === 'symlink' ? 1 : 4096, ...inline, raw });
    expect(inode.kind).toBe(kind);
    const calls = [
      () => runSync(inode.lookup(Uint8Array.of(0x61))),
      () => inode.list(),
      () => runSync(inode.readLink()),
      () => runSync(inode.read(0, new Uint8Array(1))),
    ];
    calls.forEach((call, index) => {
      const code = codes[index];
      if (code === undefined) call();
      else expect(call).toThrow(expect.objectContaining({ code }));
    });
    expect(runSync(inode.extendedAttributes())).toEqual([]);
  });

  it('refuses a type that no mode has', () => {
    const volume = new MountableVolume({ features });
    volume.inode(INO, { mode: 0o030644 });
    expect(corruptionOf(volume.mount().readInode(INO)).kind).toBe('inodeMode');
  });
});

describe('an encrypted symlink', () => {
  const stored = Uint8Array.from([16, 0, ...new Array<number>(16).fill(9)]);
  const description: TestInode = { mode: SYMLINK, advise: Advise.encrypt, size: stored.length, blocks: 2 };

  it('has the size of the text that it shows', () => {
    const volume = new MountableVolume({ features });
    const address = volume.allocate();
    volume.edit(address, (_, bytes) => bytes.set(stored));
    volume.inode(INO, { ...description, slots: [address] });
    const inode = inodeOf(volume.mount(), INO);
    expect(inode.attributes().size).toBe(32); // base64 of 8 + 16 bytes
    expect(runSync(inode.readLink()).length).toBe(32);
  });

  it('has the stored size when its target cannot be read, and readLink says why', () => {
    const volume = new MountableVolume({ features });
    const address = volume.allocate();
    volume.inode(INO, { ...description, slots: [address] });
    const range = { start: address * BLOCK_SIZE, end: (address + 1) * BLOCK_SIZE };
    const mounted = volume.mount({}, new FaultDevice(volume.device, [{ action: { kind: 'fail' }, range }]));
    const inode = inodeOf(mounted, INO);
    expect(inode.attributes().size).toBe(18);
    expect(errorOf(inode.readLink()).code).toBe('EIO');
  });
});
