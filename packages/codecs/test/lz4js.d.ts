// The part of lz4js that the tests use; the package has no types.
declare module 'lz4js' {
  /** Returns the length of the block, 0 when nothing matched. `hashTable` has 65536 zeros. */
  export function compressBlock(
    source: Uint8Array,
    target: Uint8Array,
    sourceIndex: number,
    sourceLength: number,
    hashTable: Uint32Array,
  ): number;
  /** Without any bounds check. Returns where the output ended. */
  export function decompressBlock(
    source: Uint8Array,
    target: Uint8Array,
    sourceIndex: number,
    sourceLength: number,
    targetIndex: number,
  ): number;
}
