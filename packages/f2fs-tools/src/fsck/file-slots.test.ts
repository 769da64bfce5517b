import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckState } from './check-state.ts';
import { type SlotRun, walkSlots } from './file-slots.ts';
import { InodeTable } from './inode-table.ts';
import { Findings } from './report.ts';

/** Where slots begin in the block. */
const AT = 20;
const FIRST_FILE_BLOCK = 1000;

/** The file blocks of the slots that are taken: addresses outside of a main area that has no blocks are told one by one. */
function takenOf(slots: readonly number[]): unknown[] {
  const view = new DataView(new ArrayBuffer(AT + 4 * slots.length + 16));
  slots.forEach((address, slot) => {
    view.setUint32(AT + 4 * slot, address, true);
  });
  // Behind the slots is something else.
  for (let at = AT + 4 * slots.length; at < view.byteLength; at += 4) view.setUint32(at, 0xabcd, true);
  const findings = new Findings();
  const state = { inodes: new InodeTable(1), findings, main: { contains: () => false } } as unknown as CheckState;
  const run: SlotRun = {
    view,
    at: AT,
    count: slots.length,
    index: 0,
    nid: 5,
    block: 6,
    version: 0,
    firstFileBlock: FIRST_FILE_BLOCK,
  };
  walkSlots(state, run);
  return findings.kept.map(({ place, found }) => [place.fileBlock, found]);
}

describe('walkSlots', () => {
  it('takes every slot that is not empty, once and in order, and none behind them', () => {
    const address = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.constantFrom(1, 2 ** 31, 0xffff_fff0));
    fc.assert(
      fc.property(fc.array(address, { maxLength: 40 }), (slots) => {
        const expected = slots.flatMap((found, slot) => (found === 0 ? [] : [[FIRST_FILE_BLOCK + slot, found]]));
        expect(takenOf(slots)).toEqual(expected);
      }),
    );
  });
});
