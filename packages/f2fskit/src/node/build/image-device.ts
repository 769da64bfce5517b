// The device of an image that is being made. It remembers what the host refused: a host that is full is not a volume that is
// full, though both say ENOSPC.

import { type Bio, DeviceWrapper } from '@f2fskit/block';
import { FsError } from '@f2fskit/errno';

export class ImageDevice extends DeviceWrapper {
  /** The first error of the host. */
  failure: FsError | undefined = undefined;

  submit(bio: Bio): void {
    const { operation } = bio;
    bio.completion.subscribe(() => {
      const { error } = bio.completion;
      if (error !== 0) this.failure ??= new FsError(error, { syscall: operation, path: this.name });
    });
    this.device.submit(bio);
  }
}
