// What has to be true of a page cache (buffered I/O spec 21): between any two steps of its tasks, and, more of it, at rest.

import type { Bio } from '@f2fskit/block';
import { cacheProblems, type Folio, type Mapping, Mark, PAGE_SIZE } from '@f2fskit/pagecache';

/** A block of the cache. */
export interface CachedBlock {
  readonly mapping: Mapping;
  readonly folio: Folio;
  /** Its number in the folio. */
  readonly block: number;
}

/** Finds the blocks of a cache by their memory. Good until the next wait. */
export class MemoryIndex {
  readonly #slabs = new Map<ArrayBufferLike, Array<Folio | undefined>>();

  constructor(mappings: Iterable<Mapping>) {
    for (const { index } of mappings) {
      for (let folio = index.next(0); folio !== undefined; folio = index.next(folio.endIndex)) {
        let pages = this.#slabs.get(folio.bytes.buffer);
        if (pages === undefined) this.#slabs.set(folio.bytes.buffer, (pages = []));
        const first = folio.bytes.byteOffset / PAGE_SIZE;
        for (let page = first; page < first + folio.pages; page++) pages[page] = folio;
      }
    }
  }

  /** The block whose first byte is byte `offset` of a buffer. */
  find(buffer: ArrayBufferLike, offset: number): CachedBlock | undefined {
    const folio = this.#slabs.get(buffer)?.[offset / PAGE_SIZE];
    if (folio === undefined) return undefined;
    return { mapping: folio.mapping!, folio, block: (offset - folio.bytes.byteOffset) / PAGE_SIZE };
  }

  /** For each block of a bio's memory, in order, the block of the cache that it is, if it is one. */
  *blocksOf(bio: Bio): Generator<CachedBlock | undefined> {
    for (const { buffer, byteOffset, length } of bio.segments) {
      for (let at = 0; at < length; at += PAGE_SIZE) yield this.find(buffer, byteOffset + at);
    }
  }
}

/**
 * Throws where the mappings, which are all those of one cache, are not as they have to be between two steps: I-1, I-2, I-4 to I-7,
 * I-9, I-10, and, of the bios in flight, I-8, I-9, I-11.
 */
export function checkCacheInvariants(mappings: readonly Mapping[], inFlight: Iterable<Bio>): void {
  const problems = cacheProblems(mappings);
  let memory: MemoryIndex | undefined;
  for (const bio of inFlight) {
    if (bio.operation !== 'read' && bio.operation !== 'write') continue;
    memory ??= new MemoryIndex(mappings);
    for (const found of memory.blocksOf(bio)) if (found !== undefined) problems.push(...bioProblems(bio, found));
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

function* bioProblems(bio: Bio, { mapping, folio, block }: CachedBlock): Generator<string> {
  const where = `${mapping.name}, block ${folio.index + block}`;
  if (bio.operation === 'write') {
    if (mapping.stable && !folio.writeback) yield `I-9: ${where} is being written, but not under writeback`;
    return;
  }
  if (!folio.locked) yield `I-8: ${where} is being read, but not locked`;
  if (folio.isUptodate(block * PAGE_SIZE, (block + 1) * PAGE_SIZE)) yield `I-11: ${where} is being read, but uptodate`;
}

/** How the cache of a volume is at rest. */
export interface AtRest {
  /** Nothing is dirty. */
  readonly clean: boolean;
  /** References that a folio has as long as it is what it is. */
  readonly references: (mapping: Mapping, folio: Folio) => number;
}

/** Throws where, with no task under way, somebody still holds something: I-3, I-6, I-24. */
export function checkCacheAtRest(mappings: readonly Mapping[], { clean, references }: AtRest): void {
  checkCacheInvariants(mappings, []);
  const problems: string[] = [];
  for (const mapping of mappings) {
    const { name, index } = mapping;
    for (let folio = index.next(0); folio !== undefined; folio = index.next(folio.endIndex)) {
      const where = `${name}, ${folio.index}`;
      if (folio.locked) problems.push(`I-6: ${where} is locked`);
      const expected = references(mapping, folio);
      if (folio.references !== expected)
        problems.push(`I-24: ${where} has ${folio.references} references, not ${expected}`);
      if (folio.writeback || folio.writesPending > 0) problems.push(`I-6: ${where} is under writeback`);
      if (!clean) continue;
      if (folio.dirty) problems.push(`I-42: ${where} is dirty`);
      if (index.hasMark(folio, Mark.TOWRITE)) problems.push(`${where} has a tag that no pass has set`);
    }
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
}
