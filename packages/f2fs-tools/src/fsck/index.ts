export { type CheckOptions, checkVolume } from './check-volume.ts';
export { type FindingCode, type FindingSeverity, findingCodes, findingKinds } from './finding-codes.ts';
export {
  type CheckNote,
  type CheckReport,
  type CheckTotals,
  FINDINGS_MAX_DEFAULT,
  type Finding,
  type FindingArea,
  type FindingPlace,
  type FindingValue,
  FsckExit,
  findingText,
  fsckExitCode,
} from './report.ts';
