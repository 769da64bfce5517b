// Looking things up in a dump.

import type { Dump, DumpRow } from '../src/index.ts';

/** The row with our name for a field; fails when there is none. */
export function rowOf(dump: Dump, name: string): DumpRow {
  const row = dump.rows.find((candidate) => candidate.name === name);
  if (row === undefined) throw new Error(`${dump.title} has no row ${name}: ${dump.rows.map((r) => r.name).join(' ')}`);
  return row;
}

/** The child whose title starts so; fails when there is none. */
export function childOf(dump: Dump, title: string): Dump {
  const child = dump.children.find((candidate) => candidate.title.startsWith(title));
  if (child === undefined)
    throw new Error(`${dump.title} has no ${title}: ${dump.children.map((c) => c.title).join(', ')}`);
  return child;
}

export function factOf(dump: Dump, name: string): string | number | undefined {
  return dump.facts.find((fact) => fact.name === name)?.value;
}

/** Kinds of the problems of a dump itself. */
export function kindsOf(dump: Dump): string[] {
  return dump.problems.map((problem) => ('kind' in problem ? String(problem.kind) : problem.code));
}
