// The workbench of the conformance cases: a device, an array of bytes that says what the device must hold, and checks
// that go with every request. Knows no test framework: a check that fails throws.

import { AssertionError, errnoName } from '@f2fskit/errno';
import { runAsync, seededRandom, type Task } from '@f2fskit/task';
import { type Bio, describeBio, readBio, SECTOR_SIZE, writeBio } from './bio.ts';
import type { BlockDevice } from './device.ts';

/** One device, fresh for each case. */
export interface DeviceUnderTest {
  /** At least {@link CONFORMANCE_SIZE_MIN} bytes. */
  device: BlockDevice;
  /** What the device holds from offset 0 on; the rest, or everything, is zeros. */
  content?: Uint8Array;
  /** Called while a case waits: makes a device that the test drives carry out what is pending. */
  pump?(): void;
  /** Removes what the factory made. The device is closed by then. */
  dispose?(): void | Promise<void>;
}

/** What a device claims. The cases hold it to the claim, and its properties to the same. */
export interface DeviceCapabilities {
  mode: BlockDevice['mode'];
  writable: boolean;
  /** Discarded ranges read as zeros; otherwise they stay as they were. */
  discards: boolean;
}

/** The least a device under test may hold, in bytes. The cases work in this many at its start, and at its end. */
export const CONFORMANCE_SIZE_MIN = 256 * 1024;

/** Bytes on both sides of each segment that a device must not touch. */
const GUARD_SIZE = 8;
/** What guards, and memory that is to be read into, are filled with. */
const UNTOUCHED = 0xa5;

export class Bench {
  readonly device: BlockDevice;
  readonly capabilities: DeviceCapabilities;
  /** What the first {@link CONFORMANCE_SIZE_MIN} bytes of the device must read as. */
  readonly expected = new Uint8Array(CONFORMANCE_SIZE_MIN);
  readonly random = seededRandom(20_231);
  readonly #subject: DeviceUnderTest;

  constructor(subject: DeviceUnderTest, capabilities: DeviceCapabilities) {
    this.device = subject.device;
    this.capabilities = capabilities;
    this.expected.set(subject.content?.subarray(0, CONFORMANCE_SIZE_MIN) ?? []);
    this.#subject = subject;
  }

  /** Submits. The bio must be done on return on a sync device, and must not be on an async one. */
  submit(bio: Bio): Bio {
    this.device.submit(bio);
    const { mode } = this.capabilities;
    equal(bio.completion.done, mode === 'sync', `ended when submit of a ${mode} device returned`, () => this.name(bio));
    return bio;
  }

  async ended(bios: readonly Bio[]): Promise<void> {
    this.#subject.pump?.();
    for (const bio of bios) await new Promise<void>((resolve) => bio.completion.subscribe(resolve));
  }

  /** Runs a task to its end. */
  async do<T>(task: Task<T>): Promise<T> {
    const result = runAsync(task);
    this.#subject.pump?.(); // what a task submits later, it submits from inside this call
    return await result;
  }

  /** Submits, waits, and checks how the bio ended and that the device left the request as it was. */
  async carryOut(bio: Bio, error = 0): Promise<void> {
    const { operation, offset, size, flags, segments } = bio;
    await this.ended([this.submit(bio)]);
    const subject = (): string => this.name(bio);
    equal(errnoName(bio.completion.error), errnoName(error), 'error', subject);
    equal(bio.residual, error === 0 ? 0 : size, 'residual', subject);
    equal(Object.is(bio.offset, offset), true, 'offset left alone', subject);
    equal(bio.size, size, 'size', subject);
    equal(bio.flags, flags, 'flags', subject);
    equal(bio.operation, operation, 'operation', subject);
    equal(bio.segments, segments, 'segments', subject);
  }

  /** Carries out a write; the device must hold its bytes from then on. */
  async write(offset: number, segments: Uint8Array[], flags = 0): Promise<void> {
    const bio = writeBio(offset, segments, flags);
    await this.carryOut(bio);
    this.remember(bio);
  }

  remember(write: Bio): void {
    let position = write.offset;
    for (const segment of write.segments) {
      this.expected.set(segment, position);
      position += segment.byteLength;
    }
  }

  /** Reads into new segments of the given lengths and compares. */
  async verify(offset: number, lengths: readonly number[]): Promise<void> {
    const bio = readBio(offset, guarded(lengths));
    await this.carryOut(bio);
    this.compare(bio);
  }

  async verifyAll(): Promise<void> {
    await this.verify(0, [CONFORMANCE_SIZE_MIN]);
  }

  /** Checks what a read delivered, and that it wrote nowhere else. */
  compare(read: Bio, expected = this.expected): void {
    let position = read.offset;
    for (const segment of read.segments) {
      for (let i = 0; i < segment.byteLength; i++) {
        if (segment[i] === expected[position + i]) continue;
        equal(segment[i], expected[position + i], `byte ${position + i}`, () => this.name(read));
      }
      position += segment.byteLength;
    }
    checkGuards(read);
  }

  name(bio: Bio): string {
    return `${describeBio(this.device.name, bio)} (${bio.segments.length} segments)`;
  }

  bytes(length: number): Uint8Array {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let i = 0; i < words.length; i++) words[i] = this.random.u32();
    return new Uint8Array(words.buffer, 0, length);
  }

  /** Cuts a size into lengths of which most are odd and some are zero. */
  cut(size: number, lengthMax = 900): number[] {
    const lengths: number[] = [];
    for (let left = size; left > 0; ) {
      const length = Math.min(this.random.below(lengthMax + 1), left);
      lengths.push(length);
      left -= length;
    }
    return lengths;
  }

  /** Memory with random content, cut like that. */
  cutBytes(size: number, lengthMax?: number): Uint8Array[] {
    return this.cut(size, lengthMax).map((length) => this.bytes(length));
  }

  /** Ranges of whole sectors in random order that tile the first {@link CONFORMANCE_SIZE_MIN} bytes. */
  disjointRanges(sectorsMax: number): Array<{ offset: number; size: number }> {
    const ranges: Array<{ offset: number; size: number }> = [];
    for (let offset = 0; offset < CONFORMANCE_SIZE_MIN; ) {
      const size = Math.min((1 + this.random.below(sectorsMax)) * SECTOR_SIZE, CONFORMANCE_SIZE_MIN - offset);
      ranges.splice(this.random.below(ranges.length + 1), 0, { offset, size });
      offset += size;
    }
    return ranges;
  }
}

/** Memory to read into: one buffer for each segment, filled and fenced with a pattern. */
export function guarded(lengths: readonly number[]): Uint8Array[] {
  return lengths.map((length) => {
    const buffer = new Uint8Array(length + 2 * GUARD_SIZE).fill(UNTOUCHED);
    return buffer.subarray(GUARD_SIZE, GUARD_SIZE + length);
  });
}

function checkGuards(bio: Bio): void {
  for (const segment of bio.segments) {
    const buffer = new Uint8Array(segment.buffer);
    for (let i = 0; i < GUARD_SIZE; i++) {
      equal(buffer[i], UNTOUCHED, 'memory before a segment');
      equal(buffer[buffer.byteLength - 1 - i], UNTOUCHED, 'memory after a segment');
    }
  }
}

/** Checks that a read that was refused has left its memory alone. */
export function checkUntouched(bio: Bio): void {
  for (const segment of bio.segments) for (const byte of segment) equal(byte, UNTOUCHED, 'memory of a refused read');
  checkGuards(bio);
}

export function check(condition: boolean, message: string): void {
  if (!condition) throw new AssertionError(message);
}

/** `subject` is put before the message, and asked for only when there is one. */
export function equal<T>(found: T, wanted: T, what: string, subject?: () => string): void {
  if (found === wanted) return;
  const where = subject === undefined ? '' : `${subject()}: `;
  throw new AssertionError(`${where}${what}: expected ${String(wanted)}, found ${String(found)}`);
}
