// fzstd has types, but its `exports` hide them from NodeNext resolution.
declare module 'fzstd' {
  export function decompress(source: Uint8Array, target?: Uint8Array): Uint8Array;
}
