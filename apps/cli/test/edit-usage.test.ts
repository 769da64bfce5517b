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
