// A window on a device, as a partition of a disk is one.

import { assert, ENODEV } from '@f2fskit/errno';
import type { Completion } from '@f2fskit/task';
import { type Bio, SECTOR_SIZE } from './bio.ts';
import { type BlockDevice, checkBio, cloneBio, endWithoutTransfer, submitFor } from './device.ts';
import { DeviceWrapper } from './device-wrapper.ts';
import { Lifetime } from './lifetime.ts';

/** The bytes [offset, offset + size) of another device; a flush is one of the whole device below. */
export class PartitionDevice extends DeviceWrapper {
  /** Where the window begins on the device below, in bytes. */
  readonly offset: number;
  readonly #lifetime = new Lifetime();

  /**
   * Offset and size are multiples of the sector size and lie within `device`. What a partition table says is input:
   * check it before.
   */
  constructor(device: BlockDevice, offset: number, size: number, name = `${device.name}@${offset}`) {
    super(device, { name, size });
    assert(offset >= 0 && offset % SECTOR_SIZE === 0, 'a partition starts at a sector');
    assert(size >= 0 && size % SECTOR_SIZE === 0, 'a partition is made of sectors');
    assert(offset + size <= device.size, 'a partition lies within its device');
    this.offset = offset;
  }

  submit(bio: Bio): void {
    const error = this.#lifetime.open ? checkBio(this, bio) : ENODEV;
    this.#lifetime.track(bio);
    if (error !== 0) endWithoutTransfer(this.mode, bio, error);
    else if (bio.operation === 'flush') this.device.submit(bio);
    else submitFor(bio, this.device, cloneBio(bio, bio.offset + this.offset));
  }

  override close(): Completion {
    return this.#lifetime.close(() => this.device.close());
  }
}
