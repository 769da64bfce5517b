// Lists as text: the bytes are those that setfacl gives the same list.

import { describe, expect, it } from 'vitest';
import { aclFromText } from './acl-text.ts';

const hex = (text: string): string | undefined => {
  const bytes = aclFromText(text);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
};

describe('aclFromText', () => {
  it('makes what setxattr takes, in the order of the kernel', () => {
    // setfacl -m u:1000:rw,g:7:r on a file of mode 0644
    const expected =
      '02000000' + // version
      '01000600ffffffff' +
      '02000600e8030000' +
      '04000400ffffffff' +
      '0800040007000000' +
      '10000600ffffffff' +
      '20000400ffffffff';
    expect(hex('user::rw-,user:1000:rw-,group::r--,group:7:r--,mask::rw-,other::r--')).toBe(expected);
    expect(hex('other::r--\nm::rw-\ng:7:r--\n\ngroup::r--\nu:1000:rw-\nu::rw- # a remark\n')).toBe(expected);
    expect(hex('default:user::rw-,default:user:1000:rw-,group::r--,group:7:r--,mask::rw-,other::r--')).toBe(expected);
  });

  it('takes the number that star adds to a name', () => {
    expect(hex('user:lisa:r-x:1000')).toBe('0200000002000500e8030000');
  });

  it.each([
    '',
    'user:lisa:r-x',
    'user::rwX',
    'somebody::rwx',
    'user::rw',
    'user:99999999999:rwx',
    'user:4294967295:rwx',
  ])('knows nothing of %j', (text) => {
    expect(hex(text)).toBeUndefined();
  });
});
