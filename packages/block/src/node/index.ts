export type { FileCalls, TransferCallback } from './file-calls.ts';
export { FileDevice, type FileDeviceOptions } from './file-device.ts';
