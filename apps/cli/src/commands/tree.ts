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
    for await (const visited of visit(volume, path as string, { depthMax: depth }, output)) {
      if (visited.depth > 0) counts[visited.inode.kind === 'directory' ? 'directories' : 'files']++;
      if (json) await output.json(asObject(visited));
      else await drawing.add(visited, await targetOf(volume, visited.inode, output));
    }
    if (json) return;
    await drawing.end();
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

interface PendingLine {
  name: Uint8Array;
  depth: number;
  kind: string;
  target: Uint8Array | undefined;
}

/**
 * Draws the branches. Whether a line is the last of its directory shows only when a later line is not deeper, so lines
 * wait: at most one a level plus those below it.
 */
class Drawing {
  readonly #output: Output;
  #waiting: PendingLine[] = [];

  constructor(output: Output) {
    this.#output = output;
  }

  async add({ inode, relativePath, depth }: Visited, target: Uint8Array | undefined): Promise<void> {
    const slash = relativePath.lastIndexOf(0x2f);
    const name = depth === 0 ? relativePath : relativePath.subarray(slash + 1);
    this.#waiting.push({ name, depth, kind: inode.kind, target });
  }

  async end(): Promise<void> {
    const lines = this.#waiting;
    this.#waiting = [];
    /** From the end: does a later line of the same directory follow? One answer a depth. */
    const follows: boolean[] = [];
    const last = lines.map(() => true);
    for (let index = lines.length - 1; index >= 0; index--) {
      const { depth } = lines[index]!;
      last[index] = follows[depth] !== true;
      follows.length = depth;
      follows[depth] = true;
    }
    const open: boolean[] = [];
    for (const [index, line] of lines.entries()) await this.#draw(line, last[index]!, open);
  }

  async #draw({ name, depth, kind, target }: PendingLine, last: boolean, open: boolean[]): Promise<void> {
    if (depth > 0) {
      let lead = '';
      for (let level = 1; level < depth; level++) lead += open[level] === true ? '│   ' : '    ';
      await this.#output.write(`${lead}${last ? '└── ' : '├── '}`);
      open[depth] = !last;
    }
    const shown = this.#output.name(name);
    if (kind === 'directory' && typeof shown === 'string') await this.#output.write(this.#output.paint('blue', shown));
    else await this.#output.write(shown);
    if (target !== undefined) {
      await this.#output.write(' -> ');
      await this.#output.write(this.#output.name(target));
    }
    await this.#output.line();
  }
}
