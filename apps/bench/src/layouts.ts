// Declared layouts against hand-written DataView calls: the declaration must be free.

import { struct, u16, u32, u64 } from '@f2fskit/ondisk';
import { type BenchResult, compare } from './report.ts';

const RECORD_BYTES = 256;
const RECORDS = 4096;

const Record = struct('record', 22, { a: u16(0), b: u32(2), c: u32(6), d: u32(10), e: u64(14) });

export function layoutBench(rounds: number): BenchResult {
  const view = new DataView(new ArrayBuffer(RECORD_BYTES * RECORDS));
  for (let at = 0; at < view.byteLength; at += RECORD_BYTES) view.setUint32(at + 2, at, true);
  let sink = 0;
  const declared = (): void => {
    for (let round = 0; round < 20; round++) {
      for (let at = 0; at < view.byteLength; at += RECORD_BYTES) {
        sink +=
          Record.a.get(view, at) +
          Record.b.get(view, at) +
          Record.c.get(view, at) +
          Record.d.get(view, at) +
          Record.e.get(view, at);
      }
    }
  };
  const byHand = (): void => {
    for (let round = 0; round < 20; round++) {
      for (let at = 0; at < view.byteLength; at += RECORD_BYTES) {
        const low = view.getUint32(at + 14, true);
        const high = view.getUint32(at + 18, true);
        sink +=
          view.getUint16(at, true) +
          view.getUint32(at + 2, true) +
          view.getUint32(at + 6, true) +
          view.getUint32(at + 10, true) +
          (high * 0x1_0000_0000 + low);
      }
    }
  };
  const ratio = compare(
    rounds,
    view.byteLength * 20,
    { what: 'five fields by declaration', run: declared },
    { what: 'five fields by hand', run: byHand },
  );
  return { name: `layouts (sum ${sink % 9973})`, counts: [], ratios: [ratio] };
}
