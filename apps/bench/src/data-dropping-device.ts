// A device that does not hold the data of files, so that 10 GB can be written where there is neither room nor time for them.
// Its files hold one byte over and over; what holds anything else is metadata, and goes to the device below.

import { type Bio, DeviceWrapper } from '@f2fskit/block';

/** What is dropped: writes of nothing but this byte. */
export const DROPPED_BYTE = 0x61;

const dropped = Buffer.alloc(64 * 1024, DROPPED_BYTE);

function isDropped(segment: Uint8Array): boolean {
  const bytes = Buffer.from(segment.buffer, segment.byteOffset, segment.byteLength);
  for (let at = 0; at < bytes.length; at += dropped.length) {
    const count = Math.min(dropped.length, bytes.length - at);
    if (bytes.compare(dropped, 0, count, at, at + count) !== 0) return false;
  }
  return true;
}

/** Nobody reads what was dropped: it would be what was there before. For a synchronous device. */
export class DataDroppingDevice extends DeviceWrapper {
  bytesDropped = 0;

  submit(bio: Bio): void {
    if (bio.operation !== 'write' || !bio.segments.every(isDropped)) this.device.submit(bio);
    else {
      this.bytesDropped += bio.size;
      bio.end(0);
    }
  }
}
