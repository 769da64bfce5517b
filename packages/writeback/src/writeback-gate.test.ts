import { Completion, type Task } from '@f2fskit/task';
import { describe, expect, it } from 'vitest';
import { later, settle, start } from '../test/harness.ts';
import { type PassResult, submitBeforeWaits, WritebackGate, type WritebackMode } from './index.ts';

const NOTHING: PassResult = { pagesWritten: 0, pagesSkipped: 0, error: 0 };

describe('the gate (15.1)', () => {
  it('lets sequential passes in one after the other, and the others at any time; counts those of mode all', async () => {
    const gate = new WritebackGate();
    const log: string[] = [];
    const ends = new Map<string, Completion>();
    const enter = (name: string, mode: WritebackMode, sequential: boolean): Promise<PassResult> => {
      const end = new Completion();
      ends.set(name, end);
      return start(
        gate.enter({ mode }, sequential, function* () {
          log.push(name);
          yield end;
          return NOTHING;
        }),
      );
    };
    const all = [
      enter('small', 'none', false),
      enter('large', 'none', true),
      enter('sync', 'all', false),
      enter('larger', 'none', true),
      enter('little', 'none', false),
    ];
    await later();
    expect([log.splice(0), gate.syncs]).toEqual([['small', 'large', 'little'], 1]);
    ends.get('large')!.complete();
    await later();
    expect([log.splice(0), gate.syncs]).toEqual([['sync'], 1]);
    ends.get('sync')!.complete();
    await later();
    expect([log.splice(0), gate.syncs]).toEqual([['larger'], 0]);
    for (const name of ['small', 'little', 'larger']) ends.get(name)!.complete();
    await settle(Promise.all(all));
  });

  it('a pass that fails leaves it open', async () => {
    const gate = new WritebackGate();
    const broken = function* (): Task<PassResult> {
      throw new Error('bug');
    };
    await expect(start(gate.enter({ mode: 'all' }, true, broken))).rejects.toThrow('bug');
    expect(gate.syncs).toBe(0);
    await settle(
      start(
        gate.enter({ mode: 'all' }, true, function* () {
          return NOTHING;
        }),
      ),
    );
  });
});

describe('submitting before waits (L3)', () => {
  it('happens before each wait that is one, and what it submits may end the wait', async () => {
    const [over, soon, late] = [new Completion(), new Completion(), new Completion()];
    over.complete();
    const log: string[] = [];
    function* task(): Task<string> {
      yield over;
      log.push('over');
      yield soon;
      log.push('soon');
      yield late;
      log.push('late');
      return 'done';
    }
    const running = submitBeforeWaits(task(), () => {
      log.push('submit');
      if (!soon.done) soon.complete();
    });
    expect(running.next()).toEqual({ done: false, value: late });
    expect(log).toEqual(['over', 'submit', 'soon', 'submit']);
    late.complete();
    expect(running.next()).toEqual({ done: true, value: 'done' });
  });
});
