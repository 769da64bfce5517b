import { describe, expect, it } from 'vitest';
import { splitXattrName, XattrIndex, xattrEntrySize, xattrPrefixes } from './index.ts';

describe('extended attributes', () => {
  it('entries are aligned to four bytes', () => {
    expect([xattrEntrySize(0, 0), xattrEntrySize(1, 0), xattrEntrySize(3, 1), xattrEntrySize(255, 4000)]).toEqual([
      4, 8, 8, 4260,
    ]);
  });

  it('names split into index and rest', () => {
    expect(splitXattrName('user.a.b')).toEqual({ index: XattrIndex.user, name: 'a.b' });
    expect(splitXattrName('trusted.t')).toEqual({ index: XattrIndex.trusted, name: 't' });
    expect(splitXattrName('security.selinux')).toEqual({ index: XattrIndex.security, name: 'selinux' });
    expect(splitXattrName('system.posix_acl_access')).toEqual({ index: XattrIndex.posixAclAccess, name: '' });
    expect(splitXattrName('system.posix_acl_default')).toEqual({ index: XattrIndex.posixAclDefault, name: '' });
  });

  it('names that nothing stands for do not', () => {
    for (const name of ['', 'a', 'user.', 'user', 'system.posix_acl_accessx', 'system.advise', 'lustre.x']) {
      expect(splitXattrName(name), name).toBeUndefined();
    }
  });

  it('every prefix gives its own index back', () => {
    for (const [index, prefix] of xattrPrefixes) {
      const name = prefix.endsWith('.') ? 'n' : '';
      expect(splitXattrName(prefix + name)).toEqual({ index, name });
    }
  });
});
