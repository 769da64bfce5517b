// Wrong command lines of the commands that change a volume: told from one another before any image is opened.

import { describe, expect, it } from 'vitest';
import { f2fs } from './run-cli.ts';

/** Whoever opened it would end with 1. */
const ABSENT = '/no/such/image';

describe('wrong usage ends with 2, and opens nothing', () => {
  it.each([
    ['chmod IMAGE 888 /d', /A mode is octal digits/],
    ['chmod IMAGE u+y /d', /A mode is octal digits/],
    ['chmod IMAGE 600', /missing required argument 'path'/],
    ['chmod IMAGE', /missing required argument 'mode'/],
    ['chmod - 600 /d', /standard input cannot be changed/],
    ['chmod -- -#1 600 /d', /standard input cannot be changed/],
    ['chmod IMAGE -w /d', /unknown option '-w'/],
    ['chown IMAGE root /d', /An owner is UID/],
    ['chown IMAGE : /d', /An owner is UID/],
    ['chown IMAGE 5: /d', /An owner is UID/],
    ['chown IMAGE 4294967295 /d', /An owner is UID/],
    ['chown IMAGE -1 /d', /An owner is UID/],
    ['touch IMAGE', /missing required argument 'path'/],
    ['touch -d yesterday IMAGE /d', /A time is/],
    ['touch -d @1 -r /d IMAGE /d', /cannot be used with/],
    ['put IMAGE x', /DEST is missing/],
    ['put - x /d', /standard input cannot be changed/],
    ['put IMAGE - - /d', /standard input can be read once/],
    ['put --owner 5 IMAGE x /d', /An owner is two numbers/],
    ['get IMAGE /d', /DEST is missing/],
    ['get IMAGE /a /b -', /one file goes to standard output/],
    ['get --json IMAGE /a -', /--json does not go with it/],
    ['cp IMAGE /d', /DEST is missing/],
    ['mv IMAGE /d', /DEST is missing/],
    ['mv --exchange IMAGE /a /b /c', /--exchange is for two/],
    ['mv --exchange -n IMAGE /a /b', /cannot be used with/],
    ['ln -s IMAGE x', /DEST is missing/],
    ['mkdir IMAGE', /missing required argument/],
    ['mkdir -m 9 IMAGE /d', /A mode is octal digits/],
    ['rm IMAGE', /missing required argument/],
    ['truncate IMAGE /d', /required option '-s, --size <size>' not specified/],
    ['truncate -s 5X IMAGE /d', /A size is/],
    ['setxattr IMAGE user.x', /NAME VALUE PATH/],
    ['setxattr IMAGE user.x 1', /NAME VALUE PATH/],
    ['setxattr IMAGE user.x 0xz /d', /is no hex value/],
  ])('%s', async (line, message) => {
    const { status, stdout, stderr } = await f2fs(line.split(' ').map((word) => (word === 'IMAGE' ? ABSENT : word)));
    expect({ status, stdout: stdout.toString() }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('what is right fails for another reason', async () => {
    expect((await f2fs(['chmod', ABSENT, '600', '/d'])).status).toBe(1);
  });

  it('SOURCE_DATE_EPOCH that is no number', async () => {
    const environment = { SOURCE_DATE_EPOCH: 'now' };
    expect((await f2fs(['touch', ABSENT, '/d'], { environment })).status).toBe(2);
  });
});
