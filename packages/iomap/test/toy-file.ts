// A file of a made-up filesystem: a list of runs, each with what a reader must see there. Data lies on the device XORed into
// place by a pattern of its own, so that a byte from a wrong place is a wrong byte.

import { type BlockDevice, MemoryDevice, writeBytes } from '@f2fskit/block';
import { EUCLEAN, FsError } from '@f2fskit/errno';
import { Mapping, PAGE_SIZE, PageCache, type PageCacheOptions } from '@f2fskit/pagecache';
import { Completion, runSync, type Task } from '@f2fskit/task';
import type { BufferedFile, FolioRead, Iomap, ReadBatch, ReadOperations, ReadReceiver } from '../src/index.ts';

export type RunKind = 'hole' | 'unwritten' | 'mapped' | 'scattered' | 'private' | 'damage' | 'vague damage';

export interface Run {
  kind: RunKind;
  blocks: number;
}

/** What lies behind `private`: each byte of the device, inverted. */
const INVERT = 0xff;

export interface Toy extends BufferedFile {
  readonly device: BlockDevice;
  /** What a reader must get; bytes of damage are left zero. */
  readonly model: Uint8Array;
  readonly begins: number;
  readonly ends: number;
  /** The device block of a file block, -1 for none. */
  blockOf(fileBlock: number): number;
  damagedIn(from: number, to: number): boolean;
}

/** A device that holds every run, with gaps where they are scattered. */
export function layOut(
  runs: readonly Run[],
  sizeChange: number,
): { device: MemoryDevice; places: number[]; model: Uint8Array } {
  const total = runs.reduce((sum, { blocks }) => sum + blocks, 0);
  const size = Math.max(0, total * PAGE_SIZE + sizeChange);
  const places: number[] = [];
  let next = 3;
  for (const { kind, blocks } of runs) {
    next++; // runs do not follow each other on the device
    for (let index = 0; index < blocks; index++) {
      const placed = kind === 'mapped' || kind === 'scattered' || kind === 'private';
      if (kind === 'scattered') next += 1 + (index % 2);
      places.push(placed ? next++ : -1);
    }
  }
  const device = new MemoryDevice((next + 2) * PAGE_SIZE);
  const model = new Uint8Array(size);
  let fileBlock = 0;
  for (const { kind, blocks } of runs) {
    for (let index = 0; index < blocks; index++, fileBlock++) {
      const place = places[fileBlock]!;
      if (place < 0) continue;
      const bytes = new Uint8Array(PAGE_SIZE);
      for (let at = 0; at < PAGE_SIZE; at++) bytes[at] = (fileBlock * 31 + at * 7 + (at >> 8)) & 0xff;
      const room = Math.max(0, Math.min(PAGE_SIZE, size - fileBlock * PAGE_SIZE));
      if (room > 0) model.set(bytes.subarray(0, room), fileBlock * PAGE_SIZE);
      if (kind === 'private') for (let at = 0; at < PAGE_SIZE; at++) bytes[at]! ^= INVERT;
      runSync(writeBytes(device, place * PAGE_SIZE, bytes));
    }
  }
  return { device, places, model };
}

export function toyFile(
  runs: readonly Run[],
  {
    sizeChange = 0,
    cache = {},
    device,
  }: { sizeChange?: number; cache?: PageCacheOptions; device?: (below: MemoryDevice) => BlockDevice } = {},
): Toy {
  const { device: below, places, model } = layOut(runs, sizeChange);
  const used = device?.(below) ?? below;
  const kinds: RunKind[] = runs.flatMap(({ kind, blocks }) => new Array<RunKind>(blocks).fill(kind));
  let begins = 0;
  let ends = 0;
  const runAt = (block: number): [start: number, end: number] => {
    let start = 0;
    for (const { blocks } of runs) {
      if (block < start + blocks) return [start, start + blocks];
      start += blocks;
    }
    return [start, Number.POSITIVE_INFINITY];
  };
  const operations: ReadOperations = {
    *begin(position, _length, _request, map: Iomap): Task<void> {
      const block = Math.floor(position / PAGE_SIZE);
      if (block % 3 === 0) {
        const pause = new Completion(); // now and then a mapping takes a while
        void Promise.resolve().then(() => pause.complete());
        if (used.mode === 'async') yield pause;
      }
      const [start, end] = runAt(block);
      const kind = kinds[block] ?? 'hole';
      map.offset = start * PAGE_SIZE;
      map.length = Math.min(end, 2 ** 31) * PAGE_SIZE - map.offset;
      if (kind === 'vague damage') {
        map.clear();
        throw new FsError(EUCLEAN, 'damage of unknown extent');
      }
      if (kind === 'damage') throw new FsError(EUCLEAN, 'damage');
      begins++;
      if (kind === 'scattered') {
        map.offset = block * PAGE_SIZE;
        map.length = PAGE_SIZE;
      }
      map.kind = kind === 'scattered' ? 'mapped' : kind;
      if (kind === 'mapped' || kind === 'scattered' || kind === 'private') {
        map.address = places[map.offset / PAGE_SIZE]! * PAGE_SIZE;
      }
    },
    *end(): Task<void> {
      ends++;
    },
    readPrivate(batch: ReadBatch, map: Iomap, read: FolioRead, from: number, to: number): void {
      const position = read.folio.position + from;
      const scratch = new Uint8Array(to - from);
      const receiver: ReadReceiver = {
        onPart(at, length, error) {
          if (error !== undefined) {
            read.fail(from + at, from + at + length, error);
            return;
          }
          for (let byte = at; byte < at + length; byte++) read.folio.bytes[from + byte] = scratch[byte]! ^ INVERT;
          read.settle(length);
        },
      };
      batch.add(map.address + (position - map.offset), scratch, receiver, 0);
    },
  };
  const mapping = new Mapping(new PageCache({ poison: true, ...cache }), { name: 'toy' });
  return {
    mapping,
    operations,
    device: used,
    size: model.length,
    unitOrder: 0,
    model,
    get begins() {
      return begins;
    },
    get ends() {
      return ends;
    },
    blockOf: (fileBlock) => places[fileBlock] ?? -1,
    damagedIn(from, to) {
      for (let block = Math.floor(from / PAGE_SIZE); block * PAGE_SIZE < to; block++) {
        if (kinds[block]?.includes('damage')) return true;
      }
      return false;
    },
  };
}
