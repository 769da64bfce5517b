export * from './errno.ts';
export {
  AssertionError,
  assert,
  Corruption,
  type CorruptionDetails,
  type CorruptionPlace,
  errnoFrom,
  FsError,
  type FsErrorDetails,
} from './error.ts';
