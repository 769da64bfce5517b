import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameAllocator, ORDER_MAX, PAGE_SIZE, SLAB_BYTES } from './index.ts';

const SLAB_FRAMES = SLAB_BYTES / PAGE_SIZE;

describe('FrameAllocator', () => {
  it('hands out aligned runs that do not overlap, and joins them again: against a model, for any sequence', () => {
    const step = fc.record({ order: fc.nat({ max: ORDER_MAX }), free: fc.option(fc.nat(), { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        const frames = new FrameAllocator(3 * SLAB_BYTES);
        const owner = new Map<number, number>();
        const runs: Array<{ frame: number; order: number }> = [];
        for (const [id, { order, free }] of steps.entries()) {
          if (free !== undefined && runs.length > 0) {
            const [run] = runs.splice(free % runs.length, 1);
            for (let at = run!.frame; at < run!.frame + 2 ** run!.order; at++) owner.delete(at);
            frames.free(run!.frame, run!.order);
          } else {
            const frame = frames.allocate(order);
            if (frame < 0) {
              // Only when no aligned run of that size is left: the model finds none either.
              for (let start = 0; start < frames.framesMax; start += 2 ** order) {
                let taken = false;
                for (let at = start; at < start + 2 ** order; at++) taken ||= owner.has(at);
                expect(taken, `frames ${start} are free`).toBe(true);
              }
              continue;
            }
            expect(frame % 2 ** order).toBe(0);
            for (let at = frame; at < frame + 2 ** order; at++) {
              expect(owner.has(at)).toBe(false);
              owner.set(at, id);
            }
            runs.push({ frame, order });
          }
          expect(frames.framesUsed).toBe(owner.size);
        }
        for (const { frame, order } of runs) frames.free(frame, order);
        // Everything is joined to whole slabs.
        const free = frames.freeRuns();
        expect(free.slice(0, ORDER_MAX)).toEqual(new Array(ORDER_MAX).fill(0));
        expect(free[ORDER_MAX]! * SLAB_BYTES).toBe(frames.slabBytes);
      }),
      { numRuns: 60 },
    );
  });

  it('takes memory slab by slab, up to its limit', () => {
    const frames = new FrameAllocator(2 * SLAB_BYTES);
    expect(frames.slabBytes).toBe(0);
    frames.allocate(0);
    expect(frames.slabBytes).toBe(SLAB_BYTES);
    expect(frames.allocate(ORDER_MAX)).toBe(SLAB_FRAMES);
    expect(frames.allocate(ORDER_MAX)).toBe(-1);
    expect(frames.allocate(ORDER_MAX - 1)).toBeGreaterThan(0);
  });

  it('keeps to the limit of the call, also where it has memory', () => {
    const frames = new FrameAllocator(2 * SLAB_BYTES);
    expect(frames.allocate(3, 8)).toBeGreaterThanOrEqual(0);
    expect(frames.allocate(0, 8)).toBe(-1);
    expect(frames.allocate(0, 9)).toBeGreaterThanOrEqual(0);
  });

  it('gives the same view of a run each time, and it covers the run and nothing else', () => {
    const frames = new FrameAllocator(SLAB_BYTES);
    const whole = frames.bytesOf(frames.allocate(ORDER_MAX), ORDER_MAX);
    frames.free(0, ORDER_MAX);
    const first = frames.allocate(2);
    const second = frames.allocate(2);
    expect(frames.bytesOf(first, 2)).toBe(frames.bytesOf(first, 2));
    frames.bytesOf(second, 2).fill(7);
    expect(frames.bytesOf(second, 2).length).toBe(4 * PAGE_SIZE);
    const at = second * PAGE_SIZE;
    expect(whole.subarray(at, at + 4 * PAGE_SIZE).every((byte) => byte === 7)).toBe(true);
    expect(whole.subarray(0, at).every((byte) => byte === 0)).toBe(true);
  });

  it('poisons what is freed, if asked to, and refuses to free twice', () => {
    const frames = new FrameAllocator(SLAB_BYTES, true);
    const frame = frames.allocate(0);
    const bytes = frames.bytesOf(frame, 0);
    bytes.fill(1);
    frames.free(frame, 0);
    expect(bytes.every((byte) => byte === 0xdb)).toBe(true);
    const alone = frames.allocate(ORDER_MAX);
    frames.free(alone, ORDER_MAX);
    expect(() => frames.free(alone, ORDER_MAX)).toThrow(/not freed again/);
  });
});
