// The invariants of a cache at rest, checked folio by folio: for tests and for who suspects a bug. Between two waits every
// task leaves them true.

import type { Folio } from './folio.ts';
import { Mark } from './folio-index.ts';
import { PAGE_SIZE } from './frame-allocator.ts';
import type { Mapping } from './mapping.ts';

/** A sentence for each breach of an invariant in the mappings, which are all those of one cache. */
export function cacheProblems(mappings: readonly Mapping[]): string[] {
  const problems: string[] = [];
  let dirtyPages = 0;
  let writebackPages = 0;
  for (const mapping of mappings) {
    const { name, index } = mapping;
    let dirty = 0;
    let dirtyBlocks = 0;
    let writeback = 0;
    let end = 0;
    for (let folio = index.next(0); folio !== undefined; folio = index.next(folio.endIndex)) {
      for (const problem of folioProblems(mapping, folio, end)) problems.push(`${name}, ${folio.index}: ${problem}`);
      end = folio.endIndex;
      if (folio.dirty) dirty += folio.pages;
      if (folio.dirty) dirtyBlocks += folio.dirtyBlocks?.count ?? folio.pages;
      if (folio.writeback) writeback += folio.pages;
    }
    if (dirty !== mapping.dirtyPages) problems.push(`I-5: ${name} counts ${mapping.dirtyPages}, not ${dirty}`);
    if (dirtyBlocks !== mapping.dirtyBlocks)
      problems.push(`${name} counts ${mapping.dirtyBlocks} dirty blocks, not ${dirtyBlocks}`);
    if (writeback !== mapping.writebackPages)
      problems.push(`${name} counts ${mapping.writebackPages}, not ${writeback}`);
    dirtyPages += mapping.dirtyPages;
    writebackPages += mapping.writebackPages;
  }
  const cache = mappings[0]?.cache;
  if (cache !== undefined && (cache.dirtyPages !== dirtyPages || cache.writebackPages !== writebackPages)) {
    problems.push(`I-5: the cache counts ${cache.dirtyPages} and ${cache.writebackPages}`);
  }
  return problems;
}

function* folioProblems(mapping: Mapping, folio: Folio, previousEnd: number): Generator<string> {
  if (folio.index % folio.pages !== 0 || folio.index < previousEnd) yield 'I-1: not aligned, or overlapping';
  if (folio.mapping !== mapping) yield 'I-2: in the index of a mapping that is not its own';
  if (folio.references < 0) yield 'I-6: fewer references than none';
  const marked = mapping.index.hasMark(folio, Mark.DIRTY);
  if (folio.dirty && !marked) yield 'I-4: dirty without a mark';
  if (marked && !folio.dirty && !folio.locked) yield 'I-4: marked dirty, though clean and unlocked';
  if (folio.writeback !== mapping.index.hasMark(folio, Mark.WRITEBACK)) yield 'I-4: the writeback mark is not the flag';
  if (folio.blocks !== undefined && (folio.uptodate || folio.blocks.full))
    yield 'I-7: bits of a folio that is uptodate';
  if (folio.writesPending > 0 && !folio.writeback) yield 'I-9: parts are being written without writeback';
  if (folio.dirtyBlocks !== undefined) {
    if (folio.dirtyBlocks.full || folio.dirtyBlocks.count === 0) yield 'dirty bits where all blocks are dirty, or none';
    if (!folio.dirty && !folio.locked) yield 'dirty bits of a clean folio';
  }
  if (folio.dirty) {
    for (let block = 0; block < folio.pages; block++) {
      if (folio.dirtyBlocks !== undefined && !folio.dirtyBlocks.has(block)) continue;
      if (!folio.isUptodate(block * PAGE_SIZE, (block + 1) * PAGE_SIZE)) yield `I-10: dirty, not uptodate: ${block}`;
    }
  }
}
