// f2fs tree: everything below a directory as a drawing.

import type { Inode } from '@f2fskit/vfs';
import { Argument, InvalidArgumentError, Option } from 'commander';
import { FsError, type Volume } from 'f2fskit';
import type { CommandSpec } from '../command.ts';
import { jsonPath, type Output, visible } from '../output.ts';
import { absolutePath, type Visited, visit } from '../walk.ts';

interface Options {
  depth?: number;
  json?: boolean;
}

function depthOf(text: string): number {
  const depth = Number(text);
  if (!Number.isInteger(depth) || depth < 1) throw new InvalidArgumentError('a whole number from 1');
  return depth;
}

export const tree: CommandSpec<Options> = {
  name: 'tree',
  summary: 'draw everything below a directory',
  arguments: [new Argument('[path]', 'directory').default('/')],
  options: [
    new Option('-d, --depth <levels>', 'not deeper than this').argParser(depthOf),
    new Option('--json', 'one JSON object a file, a line each'),
  ],
  examples: [
    ['f2fs tree userdata.img', 'the whole volume'],
    ['f2fs tree --depth 2 system.img /app', 'two levels of one directory'],
  ],
  async run(volume, [path], { depth = Infinity, json = false }, { output }) {
    const counts = { directories: 0, files: 0 };
    const drawing = new Drawing(output);
    for await (const visited of visit(volume, path as string, { depthMax: depth, order: 'names' }, output)) {
      if (visited.depth > 0) counts[visited.inode.kind === 'directory' ? 'directories' : 'files']++;
      if (json) await output.json(asObject(visited));
      else await drawing.add(visited, await targetOf(volume, visited.inode, output));
    }
    if (json) return;
    const { directories, files } = counts;
    await output.line(
      `\n${directories} director${directories === 1 ? 'y' : 'ies'}, ${files} file${files === 1 ? '' : 's'}`,
    );
  },
};

async function targetOf(volume: Volume, inode: Inode, output: Output): Promise<Uint8Array | undefined> {
  if (inode.kind !== 'symlink') return undefined;
  try {
    return await volume.scheduler.run(inode.readLink());
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    output.fail(`ino ${inode.ino}: ${visible(error.message)}`);
    return undefined;
  }
}

function asObject(visited: Visited): object {
  const { kind, size } = visited.inode.attributes();
  return { ...jsonPath(absolutePath(visited)), depth: visited.depth, ino: visited.inode.ino, type: kind, size };
}

/** Draws the branches line by line: whether a directory goes on is known for every level that is open. */
class Drawing {
  readonly #output: Output;
  /** By depth: do more names follow in that directory? */
  readonly #goesOn: boolean[] = [];

  constructor(output: Output) {
    this.#output = output;
  }

  async add({ inode, relativePath, depth, last }: Visited, target: Uint8Array | undefined): Promise<void> {
    const name = depth === 0 ? relativePath : relativePath.subarray(relativePath.lastIndexOf(0x2f) + 1);
    if (depth > 0) {
      let lead = '';
      for (let level = 1; level < depth; level++) lead += this.#goesOn[level] === true ? '│   ' : '    ';
      await this.#output.write(`${lead}${last ? '└── ' : '├── '}`);
      this.#goesOn[depth] = !last;
    }
    const shown = this.#output.name(name);
    if (inode.kind === 'directory' && typeof shown === 'string')
      await this.#output.write(this.#output.paint('blue', shown));
    else await this.#output.write(shown);
    if (target !== undefined) {
      await this.#output.write(' -> ');
      await this.#output.write(this.#output.name(target));
    }
    await this.#output.line();
  }
}
