// f2fs xattr: extended attributes, by name or, with --dump, in the form that getfattr prints and setfattr --restore reads.

import type { ExtendedAttribute } from '@f2fskit/vfs';
import { Argument, Option } from 'commander';
import { FsError } from 'f2fskit';
import type { CommandSpec } from '../command.ts';
import { jsonPath } from '../output.ts';
import { visit } from '../walk.ts';

interface Options {
  recursive?: boolean;
  dump?: boolean;
  json?: boolean;
}

export const xattr: CommandSpec<Options> = {
  name: 'xattr',
  summary: 'list extended attributes',
  arguments: [new Argument('[path]', 'file or directory; a symlink is not followed').default('/')],
  options: [
    new Option('-R, --recursive', 'everything below the path as well'),
    new Option('--dump', 'names and values, as getfattr --dump -e hex prints them'),
    new Option('--json', 'one JSON object a line, values in hex'),
  ],
  examples: [
    ['f2fs xattr userdata.img /data/app', 'names of the attributes'],
    ['f2fs xattr -R --dump system.img >xattrs', 'everything, for setfattr --restore=xattrs'],
  ],
  async run(volume, [path], { recursive = false, dump = false, json = false }, { output }) {
    for await (const visited of visit(volume, path as string, { recursive, followLast: false }, output)) {
      const { inode, relativePath } = visited;
      let attributes: ExtendedAttribute[];
      try {
        attributes = await volume.scheduler.run(inode.extendedAttributes());
      } catch (error) {
        if (!(error instanceof FsError)) throw error;
        output.unreadable(relativePath, error);
        continue;
      }
      if (attributes.length === 0) continue;
      if (json) await output.json({ ...jsonPath(relativePath), attributes: attributes.map(asObject) });
      else await output.write(block(relativePath, attributes, dump));
    }
  },
};

function asObject({ name, value }: ExtendedAttribute): { name: string; value: Uint8Array } {
  return { name: Buffer.from(name).toString(), value };
}

/** One file's attributes, as getfattr prints them, with an empty line behind. */
function block(path: Uint8Array, attributes: ExtendedAttribute[], dump: boolean): Buffer {
  const lines = [Buffer.concat([Buffer.from('# file: '), quote(path, '\n\r\\')])];
  for (const { name, value } of attributes) {
    const shown = [quote(name, '\n\r\\=')];
    if (dump) shown.push(Buffer.from(`=0x${Buffer.from(value).toString('hex')}`));
    lines.push(Buffer.concat(shown));
  }
  return Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]).concat(Buffer.from('\n')));
}

/** Backslash and three octal digits for the characters that would break the format. */
function quote(bytes: Uint8Array, special: string): Buffer {
  const quoted: number[] = [];
  for (const byte of bytes) {
    if (!special.includes(String.fromCharCode(byte))) quoted.push(byte);
    else quoted.push(...Buffer.from(`\\${byte.toString(8).padStart(3, '0')}`));
  }
  return Buffer.from(quoted);
}
