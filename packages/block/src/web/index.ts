// Devices of the browser's file APIs.

export type { FileHandleLike, SyncAccessHandleLike } from './file-handle.ts';
export { type OpenOpfsOptions, openOpfsDevice } from './open-opfs-device.ts';
export { OpfsDevice, type OpfsDeviceOptions } from './opfs-device.ts';
