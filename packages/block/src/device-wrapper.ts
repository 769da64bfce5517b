// What every wrapper has in common: it looks like the device below except for what it is there to change.

import type { Completion } from '@f2fskit/task';
import type { Bio } from './bio.ts';
import type { BlockDevice } from './device.ts';

/** A device over a device. A subclass says what becomes of a bio, and which properties differ. */
export abstract class DeviceWrapper implements BlockDevice {
  readonly name: string;
  readonly mode: BlockDevice['mode'];
  readonly size: number;
  readonly readOnly: boolean;
  readonly canDiscard: boolean;
  readonly segmentsMax: number;
  /** The device below. */
  protected readonly device: BlockDevice;

  constructor(device: BlockDevice, different: Partial<Omit<BlockDevice, 'submit' | 'close'>> = {}) {
    this.name = different.name ?? device.name;
    this.mode = different.mode ?? device.mode;
    this.size = different.size ?? device.size;
    this.readOnly = different.readOnly ?? device.readOnly;
    this.canDiscard = different.canDiscard ?? device.canDiscard;
    this.segmentsMax = different.segmentsMax ?? device.segmentsMax;
    this.device = device;
  }

  abstract submit(bio: Bio): void;

  close(): Completion {
    return this.device.close();
  }
}
