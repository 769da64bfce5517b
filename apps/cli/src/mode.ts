// Modes on the command line, as chmod(1) of GNU has them: octal digits, or clauses such as `u+x,go-w,a=rX,g=u`.
//
// Where a clause names nobody (`+x`), chmod looks at the umask of the process. Here that is always 022: the same command
// line does the same to the same volume everywhere.

import { InvalidArgumentError } from 'commander';

/** The permission bits that a file gets, from those that it has. */
export type ModeChange = (bits: number, isDirectory: boolean) => number;

const ALL = 0o7777;
const SET_ID = 0o6000;
const EXECUTE = 0o111;
const UMASK = 0o022;

/** What a clause for somebody may change. */
const reaches: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: ALL };
const letters: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: EXECUTE, X: 0, s: SET_ID, t: 0o1000 };
/** Where the permissions of somebody stand, for clauses that copy them. */
const shifts: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };

interface Step {
  operator: '+' | '-' | '=';
  /** Bits that it may change; 0 where nobody is named. */
  reach: number;
  bits: number;
  /** Execution as well, for directories and for what somebody may execute already. */
  executeIfAny: boolean;
  /** Whose permissions are taken, as a shift. */
  copied?: number;
  /** Set-ID bits that are spoken of: the others of a directory stay as they are. */
  named: number;
}

/** Throws what makes a run end with the exit code of wrong usage. */
export function parseMode(text: string): ModeChange {
  const steps = /^[0-7]+$/.test(text) ? [octalStep(text, text.length >= 5)] : text.split(',').flatMap(parseClause);
  return (bits, isDirectory) => steps.reduce((now, step) => apply(step, now, isDirectory), bits & ALL);
}

function parseClause(clause: string): Step[] {
  const [, sign, digits] = /^([-+=])([0-7]+)$/.exec(clause) ?? [];
  if (digits !== undefined) return [{ ...octalStep(digits, true), operator: sign as Step['operator'] }];
  const [, who, actions] = /^([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)$/.exec(clause) ?? [];
  if (actions === undefined) throw notAMode();
  const reach = [...who!].reduce((sum, letter) => sum | reaches[letter]!, 0);
  return [...actions.matchAll(/([-+=])([^-+=]*)/g)].map(([, operator, permissions]) => {
    const copied = shifts[permissions!];
    const bits = copied === undefined ? [...permissions!].reduce((sum, letter) => sum | letters[letter]!, 0) : 0;
    return {
      operator: operator as Step['operator'],
      reach,
      bits,
      executeIfAny: copied === undefined && permissions!.includes('X'),
      ...(copied === undefined ? {} : { copied }),
      named: reach === 0 ? bits : bits & reach,
    };
  });
}

/** `whole`: also the set-ID bits of a directory become what the digits say. */
function octalStep(digits: string, whole: boolean): Step {
  const bits = Number.parseInt(digits, 8);
  if (bits > ALL) throw notAMode();
  return { operator: '=', reach: ALL, bits, executeIfAny: false, named: whole ? ALL : bits };
}

function apply({ operator, reach, named, ...step }: Step, now: number, isDirectory: boolean): number {
  let bits = step.bits;
  if (step.copied !== undefined) bits = ((now >> step.copied) & 7) * EXECUTE;
  if (step.executeIfAny && (isDirectory || (now & EXECUTE) !== 0)) bits |= EXECUTE;
  const kept = isDirectory ? SET_ID & ~named : 0;
  bits &= (reach === 0 ? ALL & ~UMASK : reach) & ~kept;
  if (operator === '+') return now | bits;
  if (operator === '-') return now & ~bits;
  const replaced = (reach === 0 ? ALL : reach) & ~kept;
  return (now & ~replaced) | bits;
}

function notAMode(): InvalidArgumentError {
  return new InvalidArgumentError('A mode is octal digits, or clauses such as u+x,go-w,a=rX.');
}
