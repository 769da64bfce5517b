// Encryption contexts (xattr index 9): how a file is encrypted and with which key, not the key. The layouts are those of
// fscrypt, shared by the filesystems of Linux.

import { bytes, struct, u8, viewOf } from '@f2fskit/ondisk';
import { corrupt } from './corruption.ts';

/** Stored name of the encryption context (index 9). */
export const ENCRYPTION_CONTEXT_NAME = 'c';

/** Encryption context of version 1. 28 bytes. */
export const CryptContextV1 = struct('fscrypt_context_v1', 28, {
  version: u8(0, '1'),
  contentsMode: u8(1, 'cipher of file contents'),
  filenamesMode: u8(2, 'cipher of names'),
  flags: u8(3, 'bits 0-1: names are padded to 4, 8, 16 or 32 bytes'),
  masterKeyDescriptor: bytes(4, 8, 'names the key'),
  nonce: bytes(12, 16, 'random, of this file'),
});

/** Encryption context of version 2. 40 bytes. */
export const CryptContextV2 = struct('fscrypt_context_v2', 40, {
  version: u8(0, '2'),
  contentsMode: u8(1, 'cipher of file contents: 1 = AES-256-XTS'),
  filenamesMode: u8(2, 'cipher of names: 4 = AES-256-CTS'),
  flags: u8(3, 'bits 0-1: names are padded to 4, 8, 16 or 32 bytes'),
  reserved: bytes(4, 4, 'zero'),
  masterKeyIdentifier: bytes(8, 16, 'derived from the key'),
  nonce: bytes(24, 16, 'random, of this file'),
});

/** An encryption context, decoded. Byte fields are copies. */
export interface CryptContext {
  readonly version: 1 | 2;
  readonly contentsMode: number;
  readonly filenamesMode: number;
  readonly flags: number;
  /** 8 bytes in version 1, 16 in version 2. */
  readonly masterKey: Uint8Array;
  readonly nonce: Uint8Array;
}

/** @throws Corruption cryptContext for an unknown version or a wrong size. */
export function decodeCryptContext(stored: Uint8Array): CryptContext {
  const view = viewOf(stored);
  const version = stored[0];
  const layout = version === 1 ? CryptContextV1 : CryptContextV2;
  if ((version !== 1 && version !== 2) || stored.length !== layout.$size) {
    const found = `version ${version ?? 'none'}, ${stored.length} bytes`;
    throw corrupt('cryptContext', { expected: 'version 1, 28 bytes or version 2, 40 bytes', found });
  }
  const key = version === 1 ? CryptContextV1.masterKeyDescriptor : CryptContextV2.masterKeyIdentifier;
  return {
    version,
    contentsMode: layout.contentsMode.get(view, 0),
    filenamesMode: layout.filenamesMode.get(view, 0),
    flags: layout.flags.get(view, 0),
    masterKey: key.get(view, 0).slice(),
    nonce: layout.nonce.get(view, 0).slice(),
  };
}
