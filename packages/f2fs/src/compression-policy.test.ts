import { FsError } from '@f2fskit/errno';
import { CompressAlgorithm, Feature, FileType, InodeFlag, type Superblock } from '@f2fskit/f2fs-format';
import { utf8Encode } from '@f2fskit/vfs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAlgorithm, parseCompressionOptions } from './compression/mount-options.ts';
import { type CompressionOptions, CompressionPolicy } from './compression-policy.ts';
import { endsInExtension, hasExtension } from './names/extension.ts';

function refusal(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof FsError && error.code === 'EINVAL') return error.detail ?? '';
    throw error;
  }
  return expect.unreachable('nothing was refused');
}

const volume = {
  features: Feature.compression | Feature.extraAttr,
  hotExtensions: ['db', 'vmdk'],
  coldExtensions: ['mp', 'gz'],
} as unknown as Superblock;

describe('options', () => {
  it('have the defaults of Linux', () => {
    const { context, mode, extensions, noExtensions } = new CompressionPolicy();
    expect(context).toEqual({ algorithm: CompressAlgorithm.lz4, level: 0, logClusterSize: 2, checksum: false });
    expect([mode, extensions, noExtensions]).toEqual(['fs', [], []]);
    // What Linux stores where only zstd is asked for.
    expect(new CompressionPolicy({ algorithm: 'zstd' }).context.level).toBe(1);
    expect(new CompressionPolicy({ algorithm: 'lzo-rle' }).context).toMatchObject({ algorithm: 3, level: 0 });
  });

  it.each<[CompressionOptions, string]>([
    [{ algorithm: 'gzip' as 'lz4' }, 'algorithm gzip'],
    [{ level: 2 }, 'level 2'],
    [{ level: 17 }, 'level 17'],
    [{ level: 3.5 }, 'level 3.5'],
    [{ level: -1 }, 'level -1'],
    [{ algorithm: 'zstd', level: 23 }, 'level 23'],
    [{ algorithm: 'lzo', level: 1 }, 'level 1: lzo has none'],
    [{ logClusterSize: 1 }, 'logClusterSize 1'],
    [{ logClusterSize: 9 }, 'logClusterSize 9'],
    [{ logClusterSize: 2.5 }, 'logClusterSize 2.5'],
    [{ logClusterSize: Number.NaN }, 'logClusterSize NaN'],
    [{ mode: 'kernel' as 'fs' }, 'mode kernel'],
    [{ extensions: ['abcdefgh'] }, 'extensions: '],
    [{ extensions: [''] }, 'extensions: '],
    [{ noExtensions: ['äöüä'] }, 'noExtensions: '],
    [{ extensions: Array.from({ length: 17 }, (_, n) => `e${n}`) }, 'extensions: more than 16'],
    [{ noExtensions: ['*'] }, 'noExtensions: *'],
    [{ extensions: ['txt'], noExtensions: ['TXT'] }, 'txt stands in'],
  ])('%o is refused by name', (options, name) => {
    expect(refusal(() => new CompressionPolicy(options))).toContain(`compress: ${name}`);
  });

  it('at the limits are taken', () => {
    for (const level of [0, 3, 16]) expect(new CompressionPolicy({ level }).context.level).toBe(level);
    for (const level of [1, 22]) expect(new CompressionPolicy({ algorithm: 'zstd', level }).context.level).toBe(level);
    for (const logClusterSize of [2, 8]) new CompressionPolicy({ logClusterSize });
    const extensions = Array.from({ length: 16 }, (_, n) => `e${n}`);
    const policy = new CompressionPolicy({
      extensions: [...extensions, 'E3', '*'].slice(1),
      noExtensions: ['abcdefg'],
    });
    expect(policy.extensions).toHaveLength(16); // one of them twice
  });

  it('are read as mount(8) takes them', () => {
    expect(
      parseCompressionOptions(
        'compress_algorithm=lz4:9,compress_log_size=3,compress_extension=txt,compress_extension=*,' +
          'nocompress_extension=jpg,compress_chksum,compress_mode=user',
      ),
    ).toEqual({
      algorithm: 'lz4',
      level: 9,
      logClusterSize: 3,
      extensions: ['txt', '*'],
      noExtensions: ['jpg'],
      checksum: true,
      mode: 'user',
    });
    expect(parseCompressionOptions('')).toEqual({});
    expect(parseAlgorithm('zstd')).toEqual({ algorithm: 'zstd' });
  });

  it.each([
    ['compress_algorithm', 'compress_algorithm: its value is missing'],
    ['compress_algorithm=lz4:x', "compress_algorithm: 'x'"],
    ['compress_algorithm=lz4:3:4', 'compress_algorithm: lz4:3:4'],
    ['compress_algorithm=lz4:2', 'level 2'],
    ['compress_log_size=', 'compress_log_size: its value'],
    ['compress_log_size=-2', 'compress_log_size: '],
    ['compress_chksum=1', 'compress_chksum: it has no value'],
    ['compress_mode=both', 'compress_mode: '],
    ['noatime', 'noatime: no option'],
  ])('%s is refused by name', (text, message) => {
    expect(refusal(() => parseCompressionOptions(text))).toContain(message);
  });
});

describe('extensions', () => {
  const name = utf8Encode;

  it.each([
    ['a.so', true, true],
    ['a.SO', true, true],
    ['a.so.tmp', true, true],
    ['a.sox', true, false],
    ['a.sox.tmp', true, false],
    ['.so', false, false],
    ['..so', true, true],
    ['so', false, false],
    ['a.s', false, false],
    ['a.so.', true, true],
    ['aso', false, false],
  ])('%s: of the volume %s, of an option %s', (text, prefix, whole) => {
    expect([hasExtension(name(text), 'so'), endsInExtension(name(text), 'so')]).toEqual([prefix, whole]);
  });

  it('are what a regular expression finds', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'B', 'b', '.', 'ä'), maxLength: 8 });
    fc.assert(
      fc.property(text, fc.constantFrom('a', 'ab', 'bb', 'aBa'), (full, extension) => {
        expect(endsInExtension(name(full), extension)).toBe(new RegExp(`^.+?\\.${extension}(\\.|$)`, 'i').test(full));
        expect(hasExtension(name(full), extension)).toBe(new RegExp(`^.+?\\.${extension}`, 'i').test(full));
      }),
    );
  });

  it('* is every name', () => {
    expect([hasExtension(name(''), '*'), endsInExtension(name('.'), '*')]).toEqual([true, true]);
  });

  it('that are not ASCII compare byte by byte', () => {
    const { extensions } = new CompressionPolicy({ extensions: ['äÄ'] });
    expect(endsInExtension(name('x.äÄ'), extensions[0]!)).toBe(true);
    expect(endsInExtension(name('x.ää'), extensions[0]!)).toBe(false);
  });
});

describe('what a new inode gets', () => {
  const { compress, noCompress } = InodeFlag;
  const policy = new CompressionPolicy({ extensions: ['txt', 'db'], noExtensions: ['zip'] });
  const of = (directory: number, text: string, fileType: number = FileType.regular, superblock = volume): number =>
    policy.flagOfNew(superblock, directory, fileType, utf8Encode(text));

  it.each<[why: string, found: number, expected: number]>([
    ['nothing is said', of(0, 'a'), 0],
    ['its directory is compressed', of(compress, 'a'), compress],
    ['its directory is never compressed', of(noCompress, 'a'), noCompress],
    ['its extension is compressed', of(0, 'a.txt'), compress],
    ['an extension comes before the directory', of(noCompress, 'a.txt'), compress],
    ['its extension is not compressed', of(compress, 'a.zip'), 0],
    ['… and then says nothing of never', of(noCompress, 'a.zip'), 0],
    ['its extension is hot, whatever else is said', of(compress, 'a.db'), 0],
    ['hot extensions are prefixes', of(compress, 'a.dbx'), 0],
    ['a directory takes over', of(compress, 'a.db', FileType.directory), compress],
    ['a directory takes over never', of(noCompress, 'a.txt', FileType.directory), noCompress],
    ['a directory has no extension', of(0, 'a.txt', FileType.directory), 0],
    ['a symlink has nothing to compress', of(compress, 'a.txt', FileType.symlink), 0],
    ['the volume cannot', of(compress, 'a.txt', FileType.regular, { ...volume, features: Feature.extraAttr }), 0],
    ['inodes have no room', of(compress, 'a', FileType.regular, { ...volume, features: Feature.compression }), 0],
  ])('%s', (_why, found, expected) => {
    expect(found).toBe(expected);
  });
});
