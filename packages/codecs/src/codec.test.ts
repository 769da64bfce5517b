import { AssertionError, FsError } from '@f2fskit/errno';
import { describe, expect, it } from 'vitest';
import { type Codec, CodecError, CodecRegistry, codecIds, defaultCodecs, lz4, lzoRle } from './index.ts';

describe('CodecRegistry', () => {
  it('finds every format by the number that volumes record, and by name', () => {
    const registry = defaultCodecs();
    expect(registry.list().map(({ id, name }) => [id, name])).toEqual([
      [0, 'lzo'],
      [1, 'lz4'],
      [2, 'zstd'],
      [3, 'lzo-rle'],
    ]);
    expect(registry.get(1)).toBe(lz4);
    expect(registry.get('lzo-rle')).toBe(lzoRle);
    for (const [name, id] of Object.entries(codecIds)) expect(registry.get(id)?.name).toBe(name);
  });

  it('has nothing for a format that is unknown or not registered', () => {
    expect(defaultCodecs().get(4)).toBeUndefined();
    expect(defaultCodecs().get(-1)).toBeUndefined();
    expect(new CodecRegistry().get('lz4')).toBeUndefined();
  });

  it('takes the codec that was registered last, in this registry only', () => {
    const registry = defaultCodecs();
    const faster: Codec = { name: 'lz4', id: 1, decompress: (_, target) => target.fill(7).length };
    registry.register(faster);
    expect(registry.get('lz4')).toBe(faster);
    expect(registry.list()).toHaveLength(4);
    expect(defaultCodecs().get('lz4')).toBe(lz4);
  });

  it('refuses a codec under the number of another format', () => {
    expect(() => new CodecRegistry().register({ ...lz4, id: 2 })).toThrow(AssertionError);
  });
});

describe('CodecError', () => {
  it('is an EIO that finds the byte', () => {
    const cause = new Error('x');
    const error = new CodecError('zstd', 'table', 12, 4096, 'accuracy 14', cause);
    expect(error).toBeInstanceOf(FsError);
    expect(error).toMatchObject({ name: 'CodecError', code: 'EIO', errno: -5, codec: 'zstd', reason: 'table', cause });
    expect([error.sourceOffset, error.targetOffset]).toEqual([12, 4096]);
    expect(error.message).toBe('EIO: i/o error (zstd table at source byte 12, target byte 4096: accuracy 14)');
  });
});
