// The device of an image that is being made. It remembers what the host refused: a host that is full is not a volume that is
// full, though both say ENOSPC.
//
// A file that has no name yet need not survive anything: what asks for durability is passed on only from `settle` on.

import { type Bio, BioFlag, type BlockDevice, DeviceWrapper, endWithoutTransfer, flushDevice } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';

export class ImageDevice extends DeviceWrapper {
  /** The first error of the host. */
  failure: FsError | undefined = undefined;
  #nameless: boolean;

  /** `nameless`: nothing finds the file, whatever happens, before `settle` has been called. */
  constructor(device: BlockDevice, { nameless }: { nameless: boolean }) {
    super(device);
    this.#nameless = nameless;
  }

  submit(bio: Bio): void {
    const { operation } = bio;
    bio.completion.subscribe(() => {
      const { error } = bio.completion;
      if (error !== 0) this.failure ??= new FsError(error, { syscall: operation, path: this.name });
    });
    if (this.#nameless) {
      if (operation === 'flush') {
        endWithoutTransfer(this.mode, bio, 0);
        return;
      }
      bio.flags &= ~(BioFlag.PREFLUSH | BioFlag.FUA);
    }
    this.device.submit(bio);
  }

  /** Makes everything durable, and what is written from now on as it asks for. Throws EIO. */
  *settle(): Task<void> {
    this.#nameless = false;
    yield* flushDevice(this);
  }
}
