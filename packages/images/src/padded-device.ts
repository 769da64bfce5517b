// A device with the bytes that follow its last whole sector. Devices are made of sectors, and leave out a partial one at
// the end of a file; a container packs its content to the byte and may end anywhere.

import {
  type Bio,
  type BlockDevice,
  checkBio,
  DeviceWrapper,
  endWithoutTransfer,
  Lifetime,
  SECTOR_SIZE,
} from '@f2fskit/block';
import { assert, ENODEV } from '@f2fskit/errno';
import type { Completion } from '@f2fskit/task';
import { ReadAssembly } from './read-assembly.ts';

/** A device whose last sector is in memory: the given bytes, then zeros. Read-only. */
export class PaddedDevice extends DeviceWrapper {
  readonly #lastSector = new Uint8Array(SECTOR_SIZE);
  readonly #lifetime = new Lifetime();

  /** `tail` is what follows the device's last sector: 1 to 511 bytes. */
  constructor(device: BlockDevice, tail: Uint8Array) {
    super(device, { size: device.size + SECTOR_SIZE, readOnly: true, canDiscard: false });
    assert(tail.length > 0 && tail.length < SECTOR_SIZE, 'a tail is a part of a sector');
    this.#lastSector.set(tail);
  }

  submit(bio: Bio): void {
    const error = this.#lifetime.open ? checkBio(this, bio) : ENODEV;
    this.#lifetime.track(bio);
    if (error !== 0 || bio.operation !== 'read') {
      endWithoutTransfer(this.mode, bio, error);
      return;
    }
    const assembly = new ReadAssembly(bio, this.device);
    const below = Math.min(bio.size, Math.max(0, this.device.size - bio.offset));
    if (below > 0) assembly.fromDevice(bio.offset, below);
    if (assembly.left > 0) assembly.copy(this.#lastSector);
    assembly.submit();
  }

  override close(): Completion {
    return this.#lifetime.close(() => this.device.close());
  }
}
