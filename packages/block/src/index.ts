export {
  Bio,
  BioFlag,
  type BioOperation,
  BLOCK_SIZE,
  continuesMemory,
  describeBio,
  discardBio,
  flushBio,
  readBio,
  SECTOR_SIZE,
  writeBio,
} from './bio.ts';
export { BlobDevice, type BlobLike } from './blob-device.ts';
export { type BlockDevice, checkBio, cloneBio, endWithoutTransfer, prefixBio, submitFor } from './device.ts';
export { DeviceWrapper } from './device-wrapper.ts';
export { type FaultAction, FaultDevice, type FaultOptions, type FaultRecord, type FaultRule } from './fault-device.ts';
export {
  closeDevice,
  discardBytes,
  flushDevice,
  readBytes,
  submitAndWait,
  throwIfFailed,
  writeBytes,
} from './io.ts';
export { LatencyDevice, type LatencyOptions } from './latency-device.ts';
export { Lifetime } from './lifetime.ts';
export { MEMORY_CHUNK_SIZE, MemoryDevice, type MemoryDeviceOptions } from './memory-device.ts';
export { OverlayDevice } from './overlay-device.ts';
export { PartitionDevice } from './partition-device.ts';
export { Plug, type PlugOptions } from './plug.ts';
export { readOnlyDevice } from './read-only-device.ts';
export { scatter, sliceSegments } from './segments.ts';
export { ShuffleDevice, type ShuffleOptions } from './shuffle-device.ts';
export { type DeviceStatistics, type OperationStatistics, StatisticsDevice } from './statistics-device.ts';
export { type BioEvent, TracingDevice } from './tracing-device.ts';
