import { describe, expect, it } from 'vitest';
import { Folio, FolioFlag, Mapping, PageCache } from './index.ts';
import { ReclaimList } from './reclaim-list.ts';

const mapping = new Mapping(new PageCache(), { name: 'test' });
const folios = (count: number): Folio[] =>
  Array.from({ length: count }, (_, index) => new Folio(mapping, index, 0, 0, new Uint8Array(0)));

function listOf(members: Folio[]): ReclaimList {
  const list = new ReclaimList();
  for (const folio of members) list.add(folio);
  return list;
}

describe('ReclaimList', () => {
  it('takes the oldest first', () => {
    const members = folios(4);
    const list = listOf(members);
    const order: Folio[] = [];
    for (let victim = list.victim(); victim !== undefined; victim = list.victim()) {
      order.push(victim);
      list.remove(victim);
    }
    expect(order).toEqual(members);
    expect(list.size).toBe(0);
  });

  it('gives a second chance to what was used since, once', () => {
    const [a, b, c] = folios(3) as [Folio, Folio, Folio];
    const list = listOf([a, b, c]);
    a.flags |= FolioFlag.REFERENCED;
    expect(list.victim()).toBe(b);
    list.remove(b);
    expect(list.victim()).toBe(c);
    list.remove(c);
    expect(list.victim()).toBe(a);
  });

  it('passes over what is locked or held, and ends when everything is', () => {
    const [a, b, c] = folios(3) as [Folio, Folio, Folio];
    const list = listOf([a, b, c]);
    a.tryLock();
    b.get();
    expect(list.victim()).toBe(c);
    c.get();
    expect(list.victim()).toBeUndefined();
    expect(list.size).toBe(3);
    b.put();
    expect(list.victim()).toBe(b);
  });

  it('takes members out of the middle', () => {
    const [a, b, c] = folios(3) as [Folio, Folio, Folio];
    const list = listOf([a, b, c]);
    list.remove(b);
    list.add(b);
    for (const expected of [a, c, b]) {
      expect(list.victim()).toBe(expected);
      list.remove(expected);
    }
  });
});
