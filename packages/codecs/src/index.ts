export { type Codec, CodecError, type CodecErrorReason, type CodecName, CodecRegistry, codecIds } from './codec.ts';
export { defaultCodecs } from './defaults.ts';
export { lz4 } from './lz4.ts';
export { lzo, lzoRle } from './lzo.ts';
export { zstd } from './zstd.ts';
