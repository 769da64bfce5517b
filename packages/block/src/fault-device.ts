// A device that fails on purpose, by rules: which bios, how many of them, and what becomes of each. Everything that is
// left to chance comes from a seed, and every injection is logged, so that a failing test says what happened to it.

import { assert, EIO, ENODEV } from '@f2fskit/errno';
import { type Completion, type RandomSource, seededRandom } from '@f2fskit/task';
import { type Bio, type BioOperation, BLOCK_SIZE, SECTOR_SIZE } from './bio.ts';
import { type BlockDevice, checkBio, endWithoutTransfer, prefixBio } from './device.ts';
import { DeviceWrapper } from './device-wrapper.ts';
import { Lifetime } from './lifetime.ts';

/**
 * What becomes of a bio. `error` is EIO unless given.
 *
 * - `fail`: nothing reaches the device or the memory.
 * - `short` (reads and writes): the first `sectors` are transferred, and the bio says so in its residual.
 * - `torn` (writes): the first `blocks` reach the device, and the bio does not say so. With error 0 it even ends well.
 *   A `unit` of one sector tears inside blocks, which no device does that keeps its promise about blocks.
 * - `drop` (writes, flushes, discards): ends well, and nothing happened.
 * - `gone`: from this bio on everything ends with ENODEV, until `clear`.
 * - `hold`: nothing happens before `release`.
 * - `delay`: nothing happens for a number of microtasks.
 * - `reorder`: held until `group` bios of this rule are, which then happen in a random order.
 *
 * `sectors` and `blocks` come from the seed where they are not given: fewer than the bio has.
 */
export type FaultAction =
  | { kind: 'fail'; error?: number }
  | { kind: 'short'; sectors?: number; error?: number }
  | { kind: 'torn'; blocks?: number; unit?: typeof BLOCK_SIZE | typeof SECTOR_SIZE; error?: number }
  | { kind: 'drop' }
  | { kind: 'gone' }
  | { kind: 'hold' }
  | { kind: 'delay'; microtasks: number }
  | { kind: 'reorder'; group: number };

/** Which bios an action befalls. A bio must meet every condition that is given. */
export interface FaultRule {
  action: FaultAction;
  operation?: BioOperation;
  /** Only bios that touch the bytes [start, end). Flushes touch none. */
  range?: { start: number; end: number };
  match?: (bio: Bio) => boolean;
  /** Spares this many of the bios that meet the conditions first: 0 hits the first one. Default 0. */
  after?: number;
  /** Hits this many, then no more. Default Infinity. */
  times?: number;
  /** Hits with this probability, 0..1. Default 1. */
  chance?: number;
}

/** One injection, in the order in which they were made. */
export interface FaultRecord {
  /** Counts the bios submitted to this device from 0. */
  id: number;
  kind: FaultAction['kind'];
  operation: BioOperation;
  offset: number;
  size: number;
  /** Bytes at the start that were transferred all the same: for `short` and `torn`. */
  transferred: number;
}

export interface FaultOptions {
  /** Default 0. */
  seed?: number;
  /** Default: as the device below. `hold`, `delay` and `reorder` need async. */
  mode?: BlockDevice['mode'];
}

interface ArmedRule {
  rule: FaultRule;
  /** Bios that met the conditions. */
  met: number;
  /** Bios that were hit. */
  hit: number;
  /** Bios of a `reorder` rule whose group is not complete. */
  group: Bio[];
}

export class FaultDevice extends DeviceWrapper {
  /** Every injection so far. */
  readonly log: FaultRecord[] = [];
  readonly #random: RandomSource;
  readonly #rules: ArmedRule[] = [];
  readonly #held = new Set<Bio>();
  readonly #lifetime = new Lifetime();
  #bios = 0;
  #gone = false;

  constructor(device: BlockDevice, rules: readonly FaultRule[] = [], options: FaultOptions = {}) {
    super(device, { mode: options.mode ?? device.mode });
    if (device.mode === 'async') assert(this.mode === 'async', 'a device over an async device is async');
    this.#random = seededRandom(options.seed ?? 0);
    for (const rule of rules) this.inject(rule);
  }

  /** Bios held by `hold` and `reorder`, oldest first. */
  get held(): readonly Bio[] {
    return [...this.#held];
  }

  /** Adds a rule behind those there are; the first one that hits a bio decides. */
  inject(rule: FaultRule): void {
    const { kind } = rule.action;
    if (kind === 'hold' || kind === 'delay' || kind === 'reorder') {
      assert(this.mode === 'async', `${kind} needs an async device`);
    }
    this.#rules.push({ rule, met: 0, hit: 0, group: [] });
  }

  /** Takes all rules away; a device that was gone is back. Held bios stay held. */
  clear(): void {
    this.#rules.length = 0;
    this.#gone = false;
  }

  /** Lets one held bio happen, or all of them in the order in which they were submitted. */
  release(bio?: Bio): void {
    if (bio === undefined) {
      for (const each of this.held) this.release(each);
      return;
    }
    assert(this.#held.delete(bio), 'only a bio that is held is released');
    this.#carryOut(bio);
  }

  submit(bio: Bio): void {
    const id = this.#bios++;
    const error = this.#lifetime.open ? checkBio(this, bio) : ENODEV;
    this.#lifetime.track(bio);
    const armed = error === 0 && !this.#gone ? this.#pick(bio) : undefined;
    if (error !== 0) endWithoutTransfer(this.mode, bio, error);
    else if (armed === undefined) this.#later(() => this.#carryOut(bio));
    else this.#inflict(armed, bio, id);
  }

  override close(): Completion {
    const closed = this.#lifetime.close(() => this.device.close());
    this.release();
    return closed;
  }

  #carryOut(bio: Bio): void {
    if (this.#gone) bio.end(ENODEV);
    else this.device.submit(bio);
  }

  /** Now where that is allowed: an async device ends nothing inside `submit`. */
  #later(action: () => void): void {
    if (this.mode === this.device.mode) action();
    else void Promise.resolve().then(action);
  }

  #pick(bio: Bio): ArmedRule | undefined {
    for (const armed of this.#rules) {
      const { rule } = armed;
      if (!meets(bio, rule)) continue;
      if (armed.met++ < (rule.after ?? 0)) continue;
      if (armed.hit >= (rule.times ?? Number.POSITIVE_INFINITY)) continue;
      if (rule.chance !== undefined && !this.#random.chance(rule.chance)) continue;
      armed.hit++;
      return armed;
    }
    return undefined;
  }

  #inflict(armed: ArmedRule, bio: Bio, id: number): void {
    const { action } = armed.rule;
    const { operation, offset, size } = bio;
    const record: FaultRecord = { id, kind: action.kind, operation, offset, size, transferred: 0 };
    this.log.push(record);
    switch (action.kind) {
      case 'fail':
        endWithoutTransfer(this.mode, bio, action.error ?? EIO);
        break;
      case 'drop':
        endWithoutTransfer(this.mode, bio, 0);
        break;
      case 'gone':
        this.#gone = true;
        endWithoutTransfer(this.mode, bio, ENODEV);
        break;
      case 'short': {
        const sectors = action.sectors ?? this.#random.below(size / SECTOR_SIZE);
        record.transferred = Math.min(sectors * SECTOR_SIZE, size - SECTOR_SIZE);
        this.#transferPrefix(bio, record.transferred, action.error ?? EIO, size - record.transferred);
        break;
      }
      case 'torn': {
        record.transferred = this.#tornSize(bio, action.unit ?? BLOCK_SIZE, action.blocks);
        const error = action.error ?? EIO;
        this.#transferPrefix(bio, record.transferred, error, error === 0 ? 0 : size);
        break;
      }
      case 'hold':
        this.#held.add(bio);
        break;
      case 'delay':
        void this.#delay(bio, action.microtasks);
        break;
      case 'reorder':
        this.#held.add(bio);
        armed.group.push(bio);
        if (armed.group.length >= action.group) this.#releaseShuffled(armed);
        break;
    }
  }

  /** Transfers the first `transferred` bytes; then the bio ends with `error`, whatever the device below says. */
  #transferPrefix(bio: Bio, transferred: number, error: number, residual: number): void {
    const prefix = prefixBio(bio, transferred);
    prefix.completion.subscribe(() => {
      const failed = prefix.completion.error;
      if (failed === 0) bio.end(error, residual);
      else bio.end(failed);
    });
    this.#later(() => this.device.submit(prefix));
  }

  /** Where a torn write ends: after `units` units of the device, counted from the one in which it begins. */
  #tornSize(bio: Bio, unit: number, units?: number): number {
    const first = Math.floor(bio.offset / unit);
    const count = Math.ceil(bio.endOffset / unit) - first;
    const reached = Math.min(units ?? this.#random.below(count), count);
    return Math.min(Math.max((first + reached) * unit - bio.offset, 0), bio.size);
  }

  async #delay(bio: Bio, microtasks: number): Promise<void> {
    for (let i = 0; i < Math.max(1, microtasks); i++) await undefined;
    this.#carryOut(bio);
  }

  #releaseShuffled(armed: ArmedRule): void {
    const bios = armed.group;
    armed.group = [];
    void Promise.resolve().then(() => {
      while (bios.length > 0) {
        const bio = bios.splice(this.#random.below(bios.length), 1)[0]!;
        if (this.#held.has(bio)) this.release(bio); // else somebody else released it
      }
    });
  }
}

function meets(bio: Bio, rule: FaultRule): boolean {
  if (!befalls(rule.action, bio)) return false;
  if (rule.operation !== undefined && rule.operation !== bio.operation) return false;
  if (rule.range !== undefined) {
    if (bio.operation === 'flush') return false;
    if (bio.offset >= rule.range.end || bio.endOffset <= rule.range.start) return false;
  }
  return rule.match === undefined || rule.match(bio);
}

/** Whether the action has a meaning for this bio. */
function befalls(action: FaultAction, bio: Bio): boolean {
  switch (action.kind) {
    case 'short':
      return (bio.operation === 'read' || bio.operation === 'write') && bio.size > 0;
    case 'torn':
      return bio.operation === 'write' && bio.size > 0;
    case 'drop':
      return bio.operation !== 'read';
    default:
      return true;
  }
}
