// What a check says. Findings are capped: a volume full of damage costs no more memory than a sound one, and the counts
// go on. Every finding has a place, in blocks, nids and bytes; the path is looked up for those that are kept.

import { type Corruption, type CorruptionPlace, FsError } from '@f2fskit/errno';
import type { CorruptionKind } from '@f2fskit/f2fs-format';
import { type FindingCode, type FindingSeverity, findingKinds } from './finding-codes.ts';

export type FindingArea = 'superblock' | 'checkpoint' | 'sit' | 'nat' | 'ssa' | 'main' | 'volume';

/** Where it is: the area, and of the rest what leads to the byte. */
export interface FindingPlace {
  area: FindingArea;
  /** Block address. */
  block?: number;
  /** Byte in the block. */
  offset?: number;
  segno?: number;
  nid?: number;
  ino?: number;
  /** Which pointer of the node `nid`, or which slot of a directory's block. */
  slot?: number;
  /** Index of a block in its file. */
  fileBlock?: number;
  /** The first path of `ino`, as far as it is known. */
  path?: string;
}

export type FindingValue = number | bigint | string;

export interface Finding {
  readonly code: FindingCode;
  readonly severity: FindingSeverity;
  readonly place: FindingPlace;
  readonly expected?: FindingValue;
  readonly found?: FindingValue;
  /** The rule of the format that was broken, where decoding found it. */
  readonly kind?: CorruptionKind;
  readonly detail?: string;
}

/** Something to know that is no contradiction: a volume that needs recovery, a flag. */
export interface CheckNote {
  readonly kind: 'recovery' | 'orphans' | 'flag' | 'skipped';
  readonly message: string;
}

/** What was looked at. */
export interface CheckTotals {
  readonly nodes: number;
  readonly inodes: number;
  readonly directories: number;
  /** Directory entries without dots. */
  readonly entries: number;
  /** As the checkpoint counts: nodes, data blocks and reserved slots. */
  readonly blocks: number;
  readonly freeSegments: number;
}

export interface CheckReport {
  /** The first ones, at most `findingsMax`. */
  readonly findings: readonly Finding[];
  /** All of them, by code, also those that are not kept. */
  readonly counts: ReadonlyMap<FindingCode, number>;
  readonly errors: number;
  readonly warnings: number;
  /** The check went to its end without an error. Warnings do not count. */
  readonly clean: boolean;
  /** False where damage or an unreadable block ended the check, or left out a part of it. */
  readonly complete: boolean;
  /** Blocks that could not be read. */
  readonly unreadable: number;
  readonly notes: readonly CheckNote[];
  /** Missing where the check did not come to the nodes. */
  readonly totals?: CheckTotals;
}

export const FINDINGS_MAX_DEFAULT = 1000;

export class Findings {
  readonly kept: Finding[] = [];
  readonly counts = new Map<FindingCode, number>();
  readonly #max: number;
  errors = 0;
  warnings = 0;

  constructor(max = FINDINGS_MAX_DEFAULT) {
    this.#max = max;
  }

  add(code: FindingCode, place: FindingPlace, expected?: FindingValue, found?: FindingValue, detail?: string): void {
    this.#add(code, () => ({
      code,
      severity: findingKinds[code].severity,
      place,
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
      ...(detail === undefined ? {} : { detail }),
    }));
  }

  /** What decoding threw, as a finding; `place` adds to the place that the error has. */
  addError(code: FindingCode, area: FindingArea, error: FsError, place: Partial<FindingPlace> = {}): void {
    const { kind, where, expected, found } = error as Partial<Corruption<CorruptionKind>>;
    this.#add(code, () => ({
      code,
      severity: findingKinds[code].severity,
      place: { ...place, ...placeOf(where), area },
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
      ...(kind === undefined ? { detail: error.message } : { kind }),
    }));
  }

  count(code: FindingCode): number {
    return this.counts.get(code) ?? 0;
  }

  #add(code: FindingCode, make: () => Finding): void {
    this.counts.set(code, this.count(code) + 1);
    if (findingKinds[code].severity === 'error') this.errors++;
    else this.warnings++;
    if (this.kept.length < this.#max) this.kept.push(make());
  }
}

function placeOf(where: CorruptionPlace = {}): Omit<FindingPlace, 'area'> {
  return where;
}

/** Runs `check`; an FsError that it throws becomes a finding, and the result is `undefined`. */
export function orFinding<T>(findings: Findings, code: FindingCode, area: FindingArea, check: () => T): T | undefined {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    findings.addError(code, area, error);
    return undefined;
  }
}

/** One line for people: the sentence of the code, the place, and the two values. */
export function findingText({ code, kind, place, expected, found, detail }: Finding): string {
  const { area, path, ...where } = place;
  const numbers = Object.entries(where).map(([name, value]) => `${placeNames[name] ?? name} ${value}`);
  let text = findingKinds[code].text;
  if (kind !== undefined) text += ` (${kind})`;
  text += `: ${[area, ...numbers].join(', ')}`;
  if (path !== undefined) text += ` (${path})`;
  if (expected !== undefined) text += `; expected ${expected}`;
  if (found !== undefined) text += `${expected === undefined ? ';' : ','} found ${found}`;
  if (detail !== undefined) text += `; ${detail}`;
  return text;
}

const placeNames: Readonly<Record<string, string>> = { segno: 'segment', fileBlock: 'file block' };

/** What fsck(8) says with its exit code. */
export const FsckExit = { clean: 0, errorsLeft: 4, operational: 8 } as const;

/** The exit code of a report: errors left uncorrected, and blocks that could not be read, added. */
export function fsckExitCode({ errors, unreadable }: Pick<CheckReport, 'errors' | 'unreadable'>): number {
  return (errors > 0 ? FsckExit.errorsLeft : 0) | (unreadable > 0 ? FsckExit.operational : 0);
}
