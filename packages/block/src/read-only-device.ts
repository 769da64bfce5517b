// A device that cannot be changed through this door.

import { ENODEV } from '@f2fskit/errno';
import type { Completion } from '@f2fskit/task';
import type { Bio } from './bio.ts';
import { type BlockDevice, checkBio, endWithoutTransfer } from './device.ts';
import { DeviceWrapper } from './device-wrapper.ts';
import { Lifetime } from './lifetime.ts';

class ReadOnlyDevice extends DeviceWrapper {
  readonly #lifetime = new Lifetime();

  constructor(device: BlockDevice) {
    super(device, { readOnly: true, canDiscard: false });
  }

  submit(bio: Bio): void {
    const error = this.#lifetime.open ? checkBio(this, bio) : ENODEV;
    this.#lifetime.track(bio);
    if (error !== 0) endWithoutTransfer(this.mode, bio, error);
    else this.device.submit(bio);
  }

  override close(): Completion {
    return this.#lifetime.close(() => this.device.close());
  }
}

/** The same device, on which writes and discards end with EROFS. A device that is read-only already is returned. */
export function readOnlyDevice(device: BlockDevice): BlockDevice {
  return device.readOnly ? device : new ReadOnlyDevice(device);
}
