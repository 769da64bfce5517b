// What a check knows of every nid: where its node lives, whose it is, and whether somebody pointed to it. 14 bytes a nid,
// up to the last one in use. Inodes get a number of their own, which indexes the inode table.

const GROWTH = 455 * 64;

export class NodeTable {
  /** 0: the nid is free. */
  addresses = new Uint32Array(GROWTH);
  inos = new Uint32Array(GROWTH);
  versions = new Uint8Array(GROWTH);
  /** 1 once something points to it, for nodes below an inode. */
  reached = new Uint8Array(GROWTH);
  /** One more than the index in the inode table; 0 for what is no inode. */
  inodeNumbers = new Uint32Array(GROWTH);
  /** nids that the tables have room for. */
  #room = GROWTH;
  /** One more than the largest nid in use. */
  end = 0;

  set(nid: number, version: number, ino: number, address: number): void {
    // Nothing is kept of free nids beyond the ones in use.
    if (nid >= this.end) {
      if (address === 0) return;
      if (nid >= this.#room) this.#grow(nid + 1);
      this.end = nid + 1;
    }
    this.addresses[nid] = address;
    this.inos[nid] = ino;
    this.versions[nid] = version;
  }

  /** The address of a node, 0 when the nid is free or beyond the table. */
  addressOf(nid: number): number {
    return nid < this.end ? this.addresses[nid]! : 0;
  }

  inoOf(nid: number): number {
    return nid < this.end ? this.inos[nid]! : 0;
  }

  /** The index of an inode in the inode table; -1 when the nid is none. */
  inodeIndex(nid: number): number {
    return nid < this.end ? this.inodeNumbers[nid]! - 1 : -1;
  }

  #grow(wanted: number): void {
    this.#room = Math.max(wanted + GROWTH, 2 * this.#room);
    const grown = <Items extends Uint8Array | Uint32Array>(items: Items, into: Items): Items => {
      into.set(items);
      return into;
    };
    this.addresses = grown(this.addresses, new Uint32Array(this.#room));
    this.inos = grown(this.inos, new Uint32Array(this.#room));
    this.versions = grown(this.versions, new Uint8Array(this.#room));
    this.reached = grown(this.reached, new Uint8Array(this.#room));
    this.inodeNumbers = grown(this.inodeNumbers, new Uint32Array(this.#room));
  }
}
