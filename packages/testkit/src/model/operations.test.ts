import { runSync, type Task } from '@f2fskit/task';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryOperations } from '../../test/arbitrary-operations.ts';
import {
  applyToModel,
  applyToTarget,
  dataOf,
  decodeName,
  describeDifference,
  encodeName,
  firstDifference,
  ModelFilesystem,
  type Operation,
  type OperationTarget,
  operationWeights,
  parseProgram,
  printProgram,
  randomOperations,
  smallerPrograms,
} from './index.ts';

function make(): ModelFilesystem {
  let seconds = 0;
  return new ModelFilesystem({ clock: { now: () => ({ seconds: seconds++, nanoseconds: 0 }) } });
}

const clock = { now: () => ({ seconds: 0, nanoseconds: 0 }) };

describe('names', () => {
  it('any bytes make a text, and the text the bytes, also through JSON', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const text = decodeName(bytes);
        expect(encodeName(text)).toEqual(bytes);
        expect(encodeName(JSON.parse(JSON.stringify(text)))).toEqual(bytes);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(decodeName(encodeName(text))).toBe(text);
      }),
    );
    expect(decodeName(Uint8Array.of(0x61, 0xff, 0xc3, 0xa4, 0xe2, 0x82))).toBe('a\udcffä\udce2\udc82');
  });
});

describe('data', () => {
  it('is the same for the same seed, and of four kinds', () => {
    const length = 5000;
    const kinds = [0, 1, 2, 3].map((kind) => dataOf({ seed: 40 + kind, length }));
    expect(kinds.map((bytes) => bytes.byteLength)).toEqual([length, length, length, length]);
    expect(kinds.map((bytes) => new Set(bytes).size)).toEqual([1, 1, 27, 256]);
    expect(kinds[0]![0]).toBe(0);
    expect(kinds[1]![0]).not.toBe(0);
    expect(dataOf({ seed: 43, length: 100 })).toEqual(kinds[3]!.subarray(0, 100));
    expect(dataOf({ seed: 47, length })).not.toEqual(kinds[3]);
  });
});

describe('programs', () => {
  it('are printed and read back', () => {
    const program = randomOperations(1, 300);
    expect(parseProgram(printProgram(program))).toEqual(program);
  });

  it('are the same for the same seed and differ for another', () => {
    expect(randomOperations(7, 50)).toEqual(randomOperations(7, 50));
    expect(randomOperations(7, 50)).not.toEqual(randomOperations(8, 50));
  });

  it('mostly succeed, and have every operation, each of them also refused', () => {
    const answers = new Map<string, Set<string>>();
    let [good, all] = [0, 0];
    for (let seed = 0; seed < 100; seed++) {
      const model = make();
      for (const operation of randomOperations(seed, 100)) {
        const result = applyToModel(model, operation);
        const answer = 'error' in result ? result.error : 'ok';
        const known = answers.get(operation.op) ?? new Set();
        answers.set(operation.op, known.add(answer));
        if (answer === 'ok') good++;
        all++;
      }
    }
    expect(good / all).toBeGreaterThan(0.8);
    expect(good / all).toBeLessThan(0.97);
    expect([...answers.keys()].sort()).toEqual(Object.keys(operationWeights).sort());
    for (const [op, known] of answers) if (op !== 'sync') expect(known.size, op).toBeGreaterThan(1);
    const codes = new Set([...answers.values()].flatMap((known) => [...known]));
    for (const code of [
      'ENOENT',
      'EEXIST',
      'ENOTDIR',
      'EISDIR',
      'ENOTEMPTY',
      'EINVAL',
      'ELOOP',
      'ENAMETOOLONG',
      'EBADF',
    ]) {
      expect(codes, code).toContain(code);
    }
  });

  it('have what the weights say', () => {
    const weights = Object.fromEntries(Object.keys(operationWeights).map((name) => [name, 0]));
    const program = randomOperations(1, 60, { weights: { ...weights, mkdir: 1, create: 3 } });
    const counts = new Map<string, number>();
    for (const { op } of program) counts.set(op, (counts.get(op) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual(['create', 'mkdir']);
    expect(counts.get('create')).toBeGreaterThan(counts.get('mkdir')!);
  });

  it('go on from a tree that is there, and leave it alone', () => {
    const start = make();
    for (const operation of randomOperations(3, 80)) applyToModel(start, operation);
    const before = start.manifest();
    const program = randomOperations(4, 80, { start });
    expect(start.manifest()).toEqual(before);
    let good = 0;
    for (const operation of program) if ('value' in applyToModel(start, operation)) good++;
    expect(good).toBeGreaterThan(56);
  });

  it('touch the edges of an inode', () => {
    const sizes = new Set<number>();
    for (let seed = 0; seed < 100; seed++) {
      const model = make();
      for (const operation of randomOperations(seed, 60)) {
        applyToModel(model, operation);
        if ('file' in operation) {
          const result = applyToModel(model, { op: 'stat', file: operation.file, noFollow: false });
          if ('value' in result) sizes.add((result.value as { size: number }).size);
        }
      }
    }
    for (const size of [0, 1, 3488, 3692, 4095, 4096, 4097, 16384, 16385, 923 * 4096]) expect(sizes).toContain(size);
    expect(Math.max(...sizes)).toBeGreaterThan(2 ** 31);
  });

  it('confined ones name no place above the root', () => {
    const depths = (path: string): number[] => {
      let depth = 0;
      const names = path.split('/').filter((name) => name !== '' && name !== '.');
      return names.map((name) => (depth += name === '..' ? -1 : 1));
    };
    for (let seed = 0; seed < 100; seed++) {
      for (const operation of randomOperations(seed, 60)) {
        for (const key of ['path', 'from', 'to', 'file'] as const) {
          const path = (operation as Record<string, unknown>)[key];
          if (typeof path === 'string') expect(Math.min(0, ...depths(path)), path).toBe(0);
        }
        if (operation.op !== 'symlink') continue;
        expect(operation.target).not.toMatch(/^\/|(^|\/)\.\.(\/|$)/);
        expect(depths(operation.target).length).toBeGreaterThan(0);
      }
    }
  });

  it('without privileges have no owners, devices or bits that need them', () => {
    for (let seed = 0; seed < 60; seed++) {
      for (const operation of randomOperations(seed, 60, { privileged: false })) {
        if (operation.op === 'chown') expect([operation.uid, operation.gid]).toEqual([-1, -1]);
        if (operation.op === 'mknod') expect(['char', 'block']).not.toContain(operation.kind);
        if ('mode' in operation && typeof operation.mode === 'number') expect(operation.mode & 0o7700).toBe(0o700);
        if ('name' in operation) expect(operation.name).not.toMatch(/^(trusted|security)\./);
      }
    }
  });
});

describe('shrinking', () => {
  it('finds the operations that matter, with the smallest numbers', () => {
    // "Fails" when a file with two names has more than 5000 bytes.
    const sizes = (program: readonly Operation[]): number[] => {
      const model = make();
      for (const operation of program) applyToModel(model, operation);
      const files = [...model.paths()].filter(({ stat }) => stat.kind === 'file' && stat.links > 1);
      return files.map(({ stat }) => stat.size).filter((size) => size > 5000);
    };
    const smallest = (lengthMin: number): Operation[] => {
      const programs = arbitraryOperations({ lengthMin, lengthMax: 60 });
      const result = fc.check(
        fc.property(programs, (program) => sizes(program).length === 0),
        { seed: 5, numRuns: 200 },
      );
      return result.counterexample![0];
    };
    const found = smallest(1);
    expect(found.length).toBeLessThanOrEqual(4); // perhaps a mkdir
    expect(sizes(found)).toEqual([5001, 5001]); // by both names
    for (const index of found.keys()) expect(sizes(found.toSpliced(index, 1))).toEqual([]);
    expect(smallest(8)).toHaveLength(8);
  });

  it('ends: every program that is smaller is smaller for good', () => {
    const measure = (program: readonly Operation[]): number =>
      program.reduce((sum, operation) => {
        const numbers = JSON.stringify(operation).match(/"(?:length|position|size)":\d+/g) ?? [];
        return numbers.reduce((total, text) => total + Number(text.split(':')[1]) * 1000, sum + 1e16);
      }, 0);
    const seed = /"seed":\d+|"mode":"\w+"/g; // become 1 and the plain mode, once
    for (const program of [randomOperations(2, 30), randomOperations(3, 3, { bigFiles: false })]) {
      let count = 0;
      for (const smaller of smallerPrograms(program)) {
        count++;
        expect(smaller).not.toEqual(program);
        expect(smaller.length).toBeGreaterThan(0);
        const same = printProgram(smaller).replaceAll(seed, '') === printProgram(program).replaceAll(seed, '');
        if (!same) expect(measure(smaller)).toBeLessThan(measure(program));
      }
      expect(count).toBeGreaterThan(program.length);
    }
    expect([...smallerPrograms([{ op: 'sync' }])]).toEqual([]);
  });

  it('a failing property prints a program that fails again', () => {
    const result = fc.check(
      fc.property(arbitraryOperations(), (program) => program.every(({ op }) => op !== 'link')),
      { seed: 1 },
    );
    const program = parseProgram(printProgram(result.counterexample![0]));
    expect(program).toHaveLength(1);
    expect(program[0]!.op).toBe('link');
  });
});

/** The model behind methods of another kind. */
function indirect(model: ModelFilesystem, wrap: <T>(value: () => T) => unknown): OperationTarget {
  return new Proxy(model, {
    get:
      (target, name) =>
      (...values: unknown[]) =>
        wrap(() => (target as unknown as Record<string | symbol, (...v: unknown[]) => unknown>)[name]!(...values)),
  });
}

describe('targets', () => {
  function* task<T>(value: () => T): Task<T> {
    return value();
  }
  const kinds: Array<[string, <T>(value: () => T) => unknown]> = [
    ['plain calls', (value) => value()],
    ['promises', async (value) => value()],
    ['tasks', (value) => task(value)],
  ];

  it.each(kinds)('by %s answer the same', async (_name, wrap) => {
    const program = randomOperations(11, 150);
    expect(await firstDifference(make(), indirect(make(), wrap), program)).toBeUndefined();
  });

  it('that differ are found, with the program up to there', async () => {
    const wrong = new ModelFilesystem({ clock });
    wrong.unlink = () => {};
    const program: Operation[] = [
      { op: 'create', path: '/f', mode: 0o644 },
      { op: 'unlink', path: '/f' },
      { op: 'readdir', path: '/' },
      { op: 'sync' },
    ];
    const seen: string[] = [];
    const difference = await firstDifference(new ModelFilesystem({ clock }), wrong, program, ({ op }) => {
      seen.push(op);
    });
    expect(seen).toEqual(['create', 'unlink', 'readdir']);
    expect(difference).toEqual({ index: 2, operation: program[2], model: { value: [] }, target: { value: ['f'] } });
    const lines = describeDifference(difference!, program).split('\n');
    expect(parseProgram(lines.slice(lines.indexOf('the program:') + 1).join('\n'))).toEqual(program.slice(0, 3));
  });

  it('that break are not compared: what has no error number is thrown', async () => {
    const broken = new ModelFilesystem({ clock });
    broken.sync = () => {
      throw new TypeError('a bug');
    };
    expect(() => applyToModel(broken, { op: 'sync' })).toThrow(TypeError);
    await expect(applyToTarget(broken, { op: 'sync' })).rejects.toThrow(TypeError);
    expect(runSync(task(() => 1))).toBe(1);
  });
});
