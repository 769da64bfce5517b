// Calls that give files to others, and what becomes of their set-ID bits. The same list runs on Node's fs and on volumes.

import { everywhere, promise, type Sequence, sync } from './write-calls.ts';
import { isRoot } from './write-subjects.ts';

/** Modes whose set-ID bits stay or go: with a group that may execute, and with one that may not. */
const POWERS = [0o4755, 0o2755, 0o6711, 0o6706, 0o7777, 0o2640, 0o1644];
/** What chown is given: only root may give a file to somebody else. */
const OWNERS: Array<[uid: number, gid: number]> = isRoot
  ? [
      [-1, -1],
      [1234, -1],
      [-1, 1234],
      [0, 0],
      [2 ** 32 - 1, 2 ** 32 - 1],
    ]
  : [[-1, -1]];

export const owners: Sequence[] = [
  everywhere('chownSync', (fs, path) => fs.chownSync(path, -1, -1)),
  everywhere('lchownSync', (fs, path) => fs.lchownSync(path, -1, -1)),
  ...OWNERS.map(([uid, gid]) =>
    sync(`chown to ${uid}:${gid}, set-ID bits`, (fs, here) => {
      const shown: string[] = [];
      for (const mode of POWERS) {
        for (const how of ['chownSync', 'lchownSync', 'fchownSync'] as const) {
          const place = here(`${how}-${mode.toString(8)}`);
          fs.writeFileSync(place, 'x');
          fs.mkdirSync(`${place}-d`);
          fs.symlinkSync(`${place}-d`, `${place}-l`);
          for (const name of [place, `${place}-d`]) {
            fs.chmodSync(name, mode);
            const fd = fs.openSync(name, 'r');
            if (how === 'fchownSync') fs.fchownSync(fd, uid, gid);
            else fs[how](name, uid, gid);
            shown.push(fs.fstatSync(fd).mode.toString(8));
            fs.closeSync(fd);
          }
          if (how === 'fchownSync') continue;
          fs[how](`${place}-l`, uid, gid);
          for (const stats of [fs.lstatSync(`${place}-l`), fs.statSync(`${place}-l`)]) {
            shown.push(stats.mode.toString(8));
          }
        }
      }
      fs.rmSync(here(), { recursive: true });
      fs.mkdirSync(here());
      return shown;
    }),
  ),
  ...OWNERS.map(([uid, gid]) =>
    promise(`chown to ${uid}:${gid}`, async (fs, here, attempt) => {
      const handle = await fs.open(here('a'), 'w');
      for (const change of [
        () => fs.chown(here('a'), uid, gid),
        () => fs.lchown(here('a'), uid, gid),
        () => handle.chown(uid, gid),
      ]) {
        await fs.chmod(here('a'), 0o6755);
        await attempt(change);
        await attempt(async () => (await handle.stat()).mode.toString(8));
      }
      await handle.close();
    }),
  ),
  // Others than root lose them with the first write; who changes a volume is as root is.
  ...(isRoot
    ? [
        sync('writes leave set-ID bits', (fs, here) => {
          fs.writeFileSync(here('a'), 'x');
          fs.chmodSync(here('a'), 0o6755);
          fs.writeFileSync(here('a'), 'longer', { flag: 'r+' });
          fs.truncateSync(here('a'), 2);
          return fs.statSync(here('a')).mode.toString(8);
        }),
      ]
    : []),
];
