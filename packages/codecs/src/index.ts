export { type Codec, CodecError, type CodecErrorReason, type CodecName, CodecRegistry, codecIds } from './codec.ts';
export { defaultCodecs } from './defaults.ts';
export { lz4 } from './lz4.ts';
export { type Lz4js, lz4jsEncoder } from './lz4js.ts';
export { lzo, lzoRle } from './lzo.ts';
export type { CodecPool, CompressBatch, PoolRun, ResultSink } from './pool/codec-pool.ts';
export type { PoolWorkers } from './pool/workers.ts';
export { type ZstdCompress, zstdCodec } from './zstd/encoder.ts';
export { zstd } from './zstd.ts';
