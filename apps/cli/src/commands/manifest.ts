// f2fs manifest: one tab-separated line a file, in the byte order of the paths. The format stands at the head of
// packages/f2fskit/src/manifest.ts.

import { createHash, type Hash } from 'node:crypto';
import { Argument, Option } from 'commander';
import { type IncrementalHash, Manifest, type ManifestRecord, withPath } from 'f2fskit';
import type { CommandSpec } from '../command.ts';
import { jsonPath } from '../output.ts';

/** node:crypto's hash in the shape the manifest wants. */
class NodeHash implements IncrementalHash {
  readonly #hash: Hash = createHash('sha256');
  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }
  digest(): Uint8Array {
    return this.#hash.digest();
  }
}

const NEWLINE = 0x0a;
const fieldNames = ['type', 'mode', 'uid', 'gid', 'links', 'size', 'mtime', 'rdev', 'hash'] as const;

export const manifest: CommandSpec<{ json?: boolean }> = {
  name: 'manifest',
  summary: 'one line a file: type, mode, owner, links, size, time, device, SHA-256, path',
  arguments: [new Argument('[path]', 'directory to start at').default('/')],
  options: [new Option('--json', 'one JSON object a line')],
  examples: [
    ['f2fs manifest userdata.img >before', 'record everything; later compare with diff'],
    ['f2fs manifest --json system.img /app | jq .hash', 'hashes of one directory'],
  ],
  async run(volume, [path], { json }, { output }) {
    const start = path as string;
    const { scheduler } = volume;
    const options = { createHash: () => new NodeHash() };
    const records = await scheduler.run(withPath('open', start, Manifest.open(volume, start, options)));
    for (
      let record = await scheduler.run(records.next());
      record !== undefined;
      record = await scheduler.run(records.next())
    ) {
      if (record.error !== undefined) output.unreadable(record.path, record.error);
      if (record.line === undefined) continue;
      if (json === true) await output.json(asObject(record.line, record));
      else await output.write(Buffer.concat([record.line, Uint8Array.of(NEWLINE)]));
    }
  },
};

function asObject(line: Uint8Array, { path }: ManifestRecord): object {
  const fields = Buffer.from(line.subarray(0, line.length - path.length))
    .toString()
    .split('\t');
  return { ...jsonPath(path), ...Object.fromEntries(fieldNames.map((name, index) => [name, fields[index]])) };
}
