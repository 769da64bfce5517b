// What is copied onto a volume: a file of the host, of the volume itself, or what comes through a stream.

import type { AttributeChanges, ExtendedAttribute, InodeKind } from '@f2fskit/vfs';

/** Bytes that are copied at a time. */
export const PIECE_BYTES = 1 << 20;

export interface Piece {
  position: number;
  /** Good until the next piece. */
  bytes: Uint8Array;
}

/** The bytes of a file that is open, without its holes. */
export interface Contents {
  /** Holes included; exact once there is no next piece. */
  readonly size: number;
  next(): Promise<Piece | undefined>;
  close(): void;
}

export interface Original {
  /** As messages name it. */
  readonly path: string | Uint8Array;
  readonly kind: InodeKind;
  /** Permissions, with the set-ID bits. */
  readonly mode: number;
  readonly owner: { uid: number; gid: number };
  /** A stream has no times. */
  readonly times: Pick<AttributeChanges, 'atime' | 'mtime'>;
  readonly device: { major: number; minor: number };
  /** On the volume that is written to. */
  readonly ino?: number;
  /** Of a symlink. */
  target(): Promise<Uint8Array>;
  /** Of a regular file. Throws what its host or volume says. */
  open(): Contents;
  /** Of the volume itself; the host's are for `build`. */
  xattrs?(): Promise<ExtendedAttribute[]>;
}

/** An original and where it lies below the start of the copy, in an order in which it can be made. */
export type CopyStep =
  /** `below`: empty for the start. */
  | { type: 'enter' | 'entry' | 'leave'; below: Uint8Array; original: Original }
  | { type: 'unreadable'; below: Uint8Array; path: string | Uint8Array; error: Error };
