// Which package may import which: rank first, an import goes to a lower rank, and only to a package named in the row.
// docs/ARCHITECTURE.md shows this table; scripts/check-layers.mjs enforces it.

/** @type {Record<string, {folder: string, rank: number, generic?: boolean, bundled?: boolean, imports: string[]}>} */
export const layers = {
  '@f2fskit/errno': { folder: 'packages/errno', rank: 0, imports: [] },
  '@f2fskit/ondisk': { folder: 'packages/ondisk', rank: 1, imports: ['errno'] },
  '@f2fskit/task': { folder: 'packages/task', rank: 1, imports: ['errno'] },
  '@f2fskit/codecs': { folder: 'packages/codecs', rank: 2, imports: ['errno', 'task'] },
  '@f2fskit/block': { folder: 'packages/block', rank: 2, generic: true, imports: ['errno', 'task'] },
  '@f2fskit/f2fs-format': { folder: 'packages/f2fs-format', rank: 2, imports: ['errno', 'ondisk'] },
  '@f2fskit/pagecache': {
    folder: 'packages/pagecache',
    rank: 3,
    generic: true,
    imports: ['errno', 'task', 'block'],
  },
  '@f2fskit/images': {
    folder: 'packages/images',
    rank: 3,
    imports: ['errno', 'task', 'block', 'ondisk'],
  },
  '@f2fskit/iomap': {
    folder: 'packages/iomap',
    rank: 4,
    generic: true,
    imports: ['errno', 'task', 'block', 'pagecache'],
  },
  '@f2fskit/vfs': {
    folder: 'packages/vfs',
    rank: 6,
    generic: true,
    imports: ['errno', 'task', 'pagecache', 'writeback'],
  },
  '@f2fskit/f2fs-node': {
    folder: 'packages/f2fs-node',
    rank: 4,
    imports: ['errno', 'task', 'ondisk', 'block', 'pagecache', 'f2fs-format'],
  },
  '@f2fskit/writeback': {
    folder: 'packages/writeback',
    rank: 5,
    generic: true,
    imports: ['errno', 'task', 'block', 'pagecache', 'iomap'],
  },
  '@f2fskit/f2fs': {
    folder: 'packages/f2fs',
    rank: 7,
    imports: [
      'errno',
      'task',
      'ondisk',
      'block',
      'codecs',
      'pagecache',
      'iomap',
      'writeback',
      'f2fs-format',
      'f2fs-node',
      'vfs',
    ],
  },
  '@f2fskit/node-fs': { folder: 'packages/node-fs', rank: 7, generic: true, imports: ['errno', 'task', 'vfs'] },
  '@f2fskit/f2fs-tools': {
    folder: 'packages/f2fs-tools',
    rank: 8,
    imports: ['errno', 'task', 'ondisk', 'block', 'pagecache', 'f2fs-format', 'f2fs-node', 'f2fs', 'vfs'],
  },
  f2fskit: {
    folder: 'packages/f2fskit',
    rank: 9,
    imports: [
      'errno',
      'task',
      'block',
      'codecs',
      'pagecache',
      'images',
      'f2fs-format',
      'f2fs',
      'f2fs-tools',
      'vfs',
      'node-fs',
    ],
  },
  '@f2fskit/testkit': {
    folder: 'packages/testkit',
    rank: 3,
    imports: ['errno', 'task', 'ondisk', 'block', 'f2fs-format'],
  },
  '@f2fskit/cli': {
    folder: 'apps/cli',
    rank: 10,
    bundled: true,
    imports: ['errno', 'task', 'block', 'codecs', 'images', 'f2fs-format', 'f2fs', 'f2fs-tools', 'vfs', 'f2fskit'],
  },
  '@f2fskit/demo': {
    folder: 'apps/demo',
    rank: 10,
    imports: ['task', 'block', 'vfs', 'f2fs', 'f2fs-tools', 'f2fskit', 'testkit'],
  },
  '@f2fskit/bench': {
    folder: 'apps/bench',
    rank: 10,
    imports: [
      'errno',
      'task',
      'ondisk',
      'block',
      'codecs',
      'pagecache',
      'iomap',
      'f2fs-format',
      'f2fs-node',
      'f2fs',
      'f2fs-tools',
      'vfs',
      'f2fskit',
      'testkit',
    ],
  },
};

/** `codecs` → `@f2fskit/codecs`; the umbrella has no scope. */
export const fullName = (short) => (short === 'f2fskit' ? short : `@f2fskit/${short}`);

/** The table of docs/ARCHITECTURE.md. */
export function layerTable() {
  const rows = Object.entries(layers).sort(([, a], [, b]) => a.rank - b.rank);
  return [
    '| rank | package | may import |',
    '|---|---|---|',
    ...rows.map(
      ([name, { rank, imports }]) =>
        `| ${rank} | \`${name.replace('@f2fskit/', '')}\` | ${imports.join(', ') || '–'} |`,
    ),
  ].join('\n');
}
