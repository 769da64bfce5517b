// The model and the power cuts together, on the smallest log-structured filesystem there is: each operation is a block of
// the log, `sync` is a flush, and recovery does the operations of the log again. Real filesystems are tested in this way.

import { isDeepStrictEqual } from 'node:util';
import { BLOCK_SIZE, type BlockDevice, flushDevice, MemoryDevice, readBytes, writeBytes } from '@f2fskit/block';
import { fixedClock, type Task } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { applyToModel, ModelFilesystem, type Operation, randomOperations } from '../src/model/index.ts';
import { begin, durable, oneOf, PowerCutFailure, type PowerCutRun, runPowerCuts } from '../src/power-cut/index.ts';

const weights = { sync: 20 };
const program = randomOperations(5, 60, { weights, strangeNames: false }).filter(
  (operation) => JSON.stringify(operation).length < BLOCK_SIZE,
);
const makeModel = (): ModelFilesystem => new ModelFilesystem({ clock: fixedClock(0) });

function* append(device: BlockDevice, index: number, operation: Operation): Task<void> {
  const block = new Uint8Array(BLOCK_SIZE);
  new TextEncoder().encodeInto(JSON.stringify(operation), block);
  yield* writeBytes(device, index * BLOCK_SIZE, block);
}

/** Does the log again, to its first gap; a careless one goes on behind it. */
function* recover(device: BlockDevice, careless: boolean): Task<string[]> {
  const model = makeModel();
  const block = new Uint8Array(BLOCK_SIZE);
  for (let index = 0; index < program.length; index++) {
    yield* readBytes(device, index * BLOCK_SIZE, block);
    if (block[0] !== 0) applyToModel(model, JSON.parse(new TextDecoder().decode(block.subarray(0, block.indexOf(0)))));
    else if (!careless) break;
  }
  return model.manifest();
}

function runOf(careless: boolean): PowerCutRun<ModelFilesystem, string[]> {
  return {
    base: new MemoryDevice(program.length * BLOCK_SIZE),
    initial: makeModel(),
    *scenario(device) {
      const model = makeModel();
      for (const [index, operation] of program.entries()) {
        applyToModel(model, operation);
        // A clone costs nothing. Files that are only open do not survive.
        const state = model.withoutHandles();
        yield begin(`${index}`, state);
        yield* append(device, index, operation);
        if (operation.op !== 'sync') continue;
        yield* flushDevice(device);
        yield durable(`${index}`, state);
      }
    },
    recover: (device) => recover(device, careless),
    compare: oneOf((found, state) => isDeepStrictEqual(found, state.manifest())),
    seed: 3,
  };
}

describe('a log of operations', () => {
  it('comes back at every cut as it was after some operation since the last sync', async () => {
    const report = await runPowerCuts(runOf(false));
    expect(report.writes).toBe(program.length);
    expect(report.flushes).toBe(program.filter(({ op }) => op === 'sync').length);
    expect(report.flushes).toBeGreaterThan(3);
    expect(report.matched.size).toBeGreaterThan(30);
  });

  it('is not what was, when recovery goes on behind a gap', async () => {
    await expect(runPowerCuts(runOf(true))).rejects.toThrow(PowerCutFailure);
  });
});
