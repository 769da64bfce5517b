// The OPFS device as the conformance suite wants it.

import type { DeviceCapabilities, DeviceUnderTest } from '@f2fskit/block/conformance';
import { openOpfsDevice } from '@f2fskit/block/web';
import type { DriverMode } from '@f2fskit/task';
import { newFile, patterned, removeFile, writeFile } from './files.ts';

const SIZE = 320 * 1024 + 3 * 512;
const TAIL = 100; // a partial sector, which is not part of the device
let files = 0;

/** Makes a file, and opens it. Files of the page and of a worker must differ by `prefix`. */
export function opfsSubject(prefix: string, mode: DriverMode, writable: boolean): () => Promise<DeviceUnderTest> {
  return async () => {
    const name = `${prefix}-${files++}`;
    const content = patterned(SIZE + TAIL);
    content.fill(0, SIZE - 512); // the suite expects zeros in the last sector
    const handle = await newFile(name);
    await writeFile(handle, content);
    const device = await openOpfsDevice(handle, { mode, writable });
    return { device, content: content.subarray(0, SIZE), dispose: () => removeFile(name) };
  };
}

export function capabilities(mode: DriverMode, writable: boolean): DeviceCapabilities {
  return { mode, writable, discards: false };
}
