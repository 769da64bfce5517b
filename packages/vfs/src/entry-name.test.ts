import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entryNameProblem } from './entry-name.ts';

const problemOf = (name: Uint8Array) => entryNameProblem(5, { name, ino: 7, kind: 'file' });

describe('entryNameProblem', () => {
  it('finds exactly the names that are no single step down when a path is split at its slashes', () => {
    const byte = fc.constantFrom(0x00, 0x2d, 0x2e, 0x2f, 0x61, 0xff);
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 4 }), (list) => {
        const text = Buffer.from(list).toString('latin1');
        const parts = `/dir/${text}`.split('/').slice(2);
        const step = parts.length === 1 && !['', '.', '..'].includes(parts[0]!) && !text.includes('\0');
        expect(problemOf(Uint8Array.from(list)) === undefined).toBe(step);
      }),
      { numRuns: 1000 },
    );
  });

  it('says where, and shows the name on one line', () => {
    const problem = problemOf(Buffer.from('a\n/\x1b[2J'));
    expect(problem).toMatchObject({ code: 'EUCLEAN', kind: 'entryName', where: { ino: 5 } });
    expect(problem?.message).toContain('entryName at ino 5: found "a\\n/\\u001b[2J"');
  });
});
