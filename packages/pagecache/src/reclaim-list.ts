// The folios of a cache in the order in which reclaim looks at them: a queue with a second chance.
//
// New folios enter at the newest end. Reclaim takes the oldest; one that was wanted again since it was last looked at goes back
// to the newest end with its REFERENCED bit cleared, another one that nobody holds is freed. A hit only sets the bit: no list
// is changed on the way of a read. Dirty folios and those under writeback go round as if they were held.
//
// To be used once is no reason to stay: of a file that is read from its start to its end in a cache smaller than the file, the
// folios behind the reader would stay, and those ahead of it be freed before it comes.

import { assert } from '@f2fskit/errno';
import { type Folio, FolioFlag } from './folio.ts';

export class ReclaimList {
  size = 0;
  #oldest: Folio | undefined = undefined;
  #newest: Folio | undefined = undefined;

  add(folio: Folio): void {
    folio.older = this.#newest;
    folio.newer = undefined;
    if (this.#newest === undefined) this.#oldest = folio;
    else this.#newest.newer = folio;
    this.#newest = folio;
    this.size++;
  }

  remove(folio: Folio): void {
    assert(this.size > 0, 'a folio is removed from the list that it is in');
    if (folio.older === undefined) this.#oldest = folio.newer;
    else folio.older.newer = folio.newer;
    if (folio.newer === undefined) this.#newest = folio.older;
    else folio.newer.older = folio.older;
    folio.older = undefined;
    folio.newer = undefined;
    this.size--;
  }

  /**
   * The next folio that may be freed, after giving used ones their second chance; `undefined` when every folio is held,
   * dirty or under writeback.
   * Looks at each folio at most twice.
   */
  victim(): Folio | undefined {
    for (let left = 2 * this.size; left > 0; left--) {
      const folio = this.#oldest!;
      if (folio.reclaimable && (folio.flags & FolioFlag.REFERENCED) === 0) return folio;
      folio.flags &= ~FolioFlag.REFERENCED;
      this.remove(folio);
      this.add(folio);
    }
    return undefined;
  }
}
