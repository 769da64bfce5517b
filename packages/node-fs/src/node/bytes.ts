import type { Buffer } from 'node:buffer';

/** What every method gives as bytes: a Buffer whose memory is its own, never shared. */
export type Bytes = Buffer<ArrayBuffer>;
