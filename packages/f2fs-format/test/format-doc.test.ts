import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fillTables, formatTables } from '../scripts/make-format-doc.mjs';
import * as format from '../src/index.ts';

const documentPath = new URL('../../../docs/format.md', import.meta.url);

describe('docs/format.md', () => {
  const document = readFileSync(documentPath, 'utf8');
  const tables = formatTables(format);

  it('has the tables of the declared layouts (else: pnpm run docs)', () => {
    expect(fillTables(document, tables)).toBe(document);
  });

  it('would notice a changed field', () => {
    const changed = formatTables({ ...format, NatEntry: { ...format.NatEntry, $size: 10 } });
    expect(fillTables(document, changed)).not.toBe(document);
  });

  it('would notice a structure without a place, and a table without a structure', () => {
    expect(() => fillTables(document, new Map([...tables, ['NewStructure', '']]))).toThrow(
      'lacks tables: NewStructure',
    );
    expect(() => fillTables('<!-- table:Old -->\n<!-- /table -->', tables)).toThrow('does not exist: Old');
  });
});
