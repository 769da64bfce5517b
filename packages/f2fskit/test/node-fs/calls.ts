// Every call of the suite: a name, and what is done to a subject. The same list runs on Node's fs and on the volume.

import { once } from 'node:events';
import { constants } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { PromiseFs, Subject, SyncFs } from './subjects.ts';

/** Wrong on purpose: arguments that the types would not let through. */
// biome-ignore lint/suspicious/noExplicitAny: see above
const wrong = (value: unknown): any => value;

/** Calls that both forms have, by path. */
type Both = 'access' | 'lstat' | 'readdir' | 'readFile' | 'readlink' | 'realpath' | 'stat' | 'statfs';

const PATHS = [
  '/',
  '/d',
  '/d/',
  '/d/text',
  '/d/text/',
  '/d/text/x',
  '/d/short',
  '/d/long',
  '/d/empty',
  '/d/inline',
  '/d/socket',
  '/d/../d/./text',
  '/d//text',
  '/d/ünïcödé 文件 🙂',
  '/d/back\\slash | "quotes"',
  '/d/white space  ',
  '/absent',
  '/absent/absent',
  `/${'n'.repeat(256)}`,
  `/${'deep/'.repeat(1000)}`,
];

export interface Call {
  name: string;
  run(subject: Subject): unknown;
  /** Sync only, hence not for a device that finishes later. */
  sync?: true;
}

function both<K extends Both>(call: K, ...args: unknown[]): Call[] {
  const rest = args.map((one) => (one instanceof AbortSignal ? 'signal' : JSON.stringify(one))).join(', ');
  const paths = PATHS.filter((path) => {
    // The C library's realpath goes name by name and never meets a path that is too long.
    if (call === 'realpath') return path.length < 4096;
    return (call !== 'readFile' && call !== 'statfs') || !path.includes('socket');
  });
  return paths.flatMap((path) => [
    {
      name: `${call}Sync(${path.slice(0, 40)}${rest && `, ${rest}`})`,
      sync: true as const,
      run: ({ sync, at, local }: Subject) =>
        shape(call, (sync[`${call}Sync`] as (...a: unknown[]) => unknown)(at(path), ...args), local),
    },
    {
      name: `promises.${call}(${path.slice(0, 40)}${rest && `, ${rest}`})`,
      run: async ({ promises, at, local }: Subject) =>
        shape(call, await (promises[call] as (...a: unknown[]) => Promise<unknown>)(at(path), ...args), local),
    },
  ]);
}

/** Without what no two filesystems share: order of listing, block counts. */
function shape(call: Both, value: unknown, local: Subject['local']): unknown {
  if (call === 'statfs') return Object.keys(value as object).sort();
  if (call === 'readdir') return sorted(value as unknown[], local);
  return value;
}

function sorted(entries: unknown[], local: Subject['local'] = (text) => text): unknown[] {
  const key = (one: unknown): string =>
    typeof one === 'string' || Buffer.isBuffer(one)
      ? one.toString('latin1')
      : `${local((one as { parentPath: string }).parentPath)}/${String((one as { name: unknown }).name)}`;
  return entries.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function sync(name: string, run: (fs: SyncFs, at: Subject['at'], subject: Subject) => unknown): Call {
  return { name, sync: true, run: (subject) => run(subject.sync, subject.at, subject) };
}

function promise(name: string, run: (fs: PromiseFs, at: Subject['at'], subject: Subject) => Promise<unknown>): Call {
  return { name: `promises: ${name}`, run: (subject) => run(subject.promises, subject.at, subject) };
}

/** Opens, runs, closes. */
function withFd(fs: SyncFs, path: string, run: (fd: number) => unknown): unknown {
  const fd = fs.openSync(path, 'r');
  try {
    return run(fd);
  } finally {
    fs.closeSync(fd);
  }
}

async function withHandle<T>(
  fs: PromiseFs,
  path: string,
  run: (handle: Awaited<ReturnType<PromiseFs['open']>>) => Promise<T>,
): Promise<T> {
  const handle = await fs.open(path);
  try {
    return await run(handle);
  } finally {
    await handle.close();
  }
}

export const byPath: Call[] = [
  ...both('stat'),
  ...both('lstat'),
  ...both('lstat', { bigint: true }),
  ...both('stat', { throwIfNoEntry: true }),
  ...both('statfs'),
  ...both('statfs', { bigint: true }),
  ...both('readlink'),
  ...both('readlink', 'buffer'),
  ...both('readlink', { encoding: 'base64' }),
  ...both('realpath'),
  ...both('realpath', { encoding: 'buffer' }),
  ...both('access'),
  ...both('access', constants.R_OK),
  ...both('readFile'),
  ...both('readFile', 'utf8'),
  ...both('readFile', { encoding: 'latin1', flag: 'r' }),
  ...both('readFile', 'no such encoding'),
  ...both('readdir'),
  ...both('readdir', 'buffer'),
  ...both('readdir', { withFileTypes: true }),
  ...both('readdir', { encoding: 'buffer', withFileTypes: true }),
  ...both('readdir', { encoding: 'hex' }),
  ...both('readdir', { recursive: true }),
  ...both('readdir', { recursive: true, withFileTypes: true }),
];

export const single: Call[] = [
  sync('existsSync', (fs, at) => [...PATHS, '/\0'].map((path) => fs.existsSync(at(path)))),
  sync('existsSync of what is no path', (fs) => [undefined, 5, {}].map((one) => fs.existsSync(wrong(one)))),
  sync('statSync without an entry, not thrown', (fs, at) => fs.statSync(at('/absent'), { throwIfNoEntry: false })),
  sync('lstatSync below a file, not thrown', (fs, at) => fs.lstatSync(at('/d/text/x'), { throwIfNoEntry: false })),
  sync('statSync of a loop of names, not thrown', (fs, at) =>
    fs.statSync(at(`/${'n'.repeat(256)}`), { throwIfNoEntry: false }),
  ),
  sync('accessSync X_OK of a directory', (fs, at) => fs.accessSync(at('/d'), constants.X_OK)),
  sync('accessSync X_OK of a file without it', (fs, at) => fs.accessSync(at('/d/text'), constants.X_OK)),
  sync('accessSync with a mode that is none', (fs, at) => fs.accessSync(at('/d'), wrong('r'))),
  sync('accessSync with a mode out of range', (fs, at) => fs.accessSync(at('/d'), 8)),
  sync('a name that is not UTF-8', (fs, _, { bytesAt }) => fs.statSync(bytesAt('/d/', 0xff, 0xfe))),
  sync('a path as bytes', (fs, _, { bytesAt }) => fs.readFileSync(bytesAt('/d/one'))),
  sync('a path with a NUL', (fs, at) => fs.readFileSync(at('/d/te\0xt'))),
  sync('a file URL', (fs, at) => fs.readFileSync(new URL(`file://${encodeURI(at('/d/one'))}`))),
  sync('a file URL with an escaped name', (fs, at) =>
    fs.statSync(new URL(`file://${at('/d')}/%C3%BCn%C3%AFc%C3%B6d%C3%A9%20%E6%96%87%E4%BB%B6%20%F0%9F%99%82`)),
  ),
  sync('a file URL with an encoded slash', (fs, at) => fs.statSync(new URL(`file://${at('/d')}%2Ftext`))),
  sync('a URL of another scheme', (fs) => fs.statSync(new URL('https://example.com/d/text'))),
  ...[undefined, null, 5.5, -1, true, {}, []].map((path) =>
    sync(`a path that is ${String(path)}`, (fs) => fs.readFileSync(wrong(path))),
  ),
  ...[undefined, null, true, {}].map((path) =>
    promise(`a path that is ${String(path)}`, async (fs) => fs.stat(wrong(path))),
  ),
  sync('readFileSync of 9 GB', (fs, at) => fs.readFileSync(at('/far'))),
  promise('readFile of 9 GB', (fs, at) => fs.readFile(at('/far'))),
  sync('readFileSync with options that are none', (fs, at) => fs.readFileSync(at('/d/one'), wrong(5))),
  sync('readFileSync to write', (fs, at) => fs.readFileSync(at('/d/one'), { flag: wrong('rx') })),
  sync('readdirSync with an encoding that does not exist', (fs, at) => fs.readdirSync(at('/d'), wrong('utf-9'))),
  sync('statSync with a null path', (fs) => fs.statSync(wrong(null))),
];

export const descriptors: Call[] = [
  sync('openSync with flags', (fs, at) => {
    for (const flags of ['r', 'rs', 'sr', constants.O_RDONLY, constants.O_RDONLY | constants.O_NOFOLLOW]) {
      fs.closeSync(fs.openSync(at('/d/text'), flags));
    }
  }),
  ...['q', 'rr', '', ' r', 1.5, 2 ** 40, true, {}].map((flags) =>
    sync(`openSync with ${JSON.stringify(flags)}`, (fs, at) => fs.openSync(at('/d/text'), wrong(flags))),
  ),
  sync('openSync O_DIRECTORY of a file', (fs, at) => fs.openSync(at('/d/text'), constants.O_DIRECTORY)),
  sync('openSync O_NOFOLLOW of a symlink', (fs, at) => fs.openSync(at('/d/short'), constants.O_NOFOLLOW)),
  sync('openSync of a directory to write', (fs, at) => fs.openSync(at('/d'), 'r+')),
  sync('openSync of nothing', (fs, at) => fs.openSync(at('/absent'), 'r')),
  sync('openSync of a socket', (fs, at) => fs.openSync(at('/d/socket'), 'r')),
  sync('closeSync of what is not open', (fs) => fs.closeSync(1_000_000)),
  ...[-1, 1.5, 2 ** 31, '3', null, undefined].map((fd) =>
    sync(`closeSync(${String(fd)})`, (fs) => fs.closeSync(wrong(fd))),
  ),
  sync('closeSync twice', (fs, at) => {
    const fd = fs.openSync(at('/d/text'), 'r');
    fs.closeSync(fd);
    fs.closeSync(fd);
  }),
  sync('fstatSync', (fs, at) => withFd(fs, at('/d/text'), (fd) => fs.fstatSync(fd))),
  sync('fstatSync bigint', (fs, at) => withFd(fs, at('/d/text'), (fd) => fs.fstatSync(fd, { bigint: true }))),
  sync('fstatSync of what is not open', (fs) => fs.fstatSync(1_000_000)),
  sync('readFileSync of a descriptor, twice', (fs, at) =>
    withFd(fs, at('/d/mixed'), (fd) => [fs.readFileSync(fd), fs.readFileSync(fd, 'utf8')]),
  ),
  sync('readFileSync of a descriptor from its position', (fs, at) =>
    withFd(fs, at('/d/text'), (fd) => {
      fs.readSync(fd, Buffer.alloc(1000));
      return fs.readFileSync(fd);
    }),
  ),
  sync('readSync goes on where it stopped', (fs, at) =>
    withFd(fs, at('/d/text'), (fd) => {
      const read: unknown[] = [];
      for (let count = 1; count > 0; ) {
        const buffer = Buffer.alloc(9999);
        count = fs.readSync(fd, buffer);
        read.push(count, buffer);
      }
      return read;
    }),
  ),
  sync('readSync at a place leaves the position', (fs, at) =>
    withFd(fs, at('/d/text'), (fd) => {
      const buffer = Buffer.alloc(50);
      return [
        fs.readSync(fd, buffer, 10, 20, 4090),
        fs.readSync(fd, buffer, 30, 20, 65_990n),
        fs.readSync(fd, buffer, 0, 10, null),
        fs.readSync(fd, buffer, 0, 5, -1),
        fs.readSync(fd, buffer, { offset: 45, length: 5, position: 4097 }),
        fs.readSync(fd, buffer, { offset: 40 }),
        buffer,
      ];
    }),
  ),
  sync('readSync at and behind the end', (fs, at) =>
    withFd(fs, at('/d/b4097'), (fd) => {
      const buffer = Buffer.alloc(10, 7);
      return [4096, 4097, 4098, 1e12, Number.MAX_SAFE_INTEGER - 10].map((place) => [
        fs.readSync(fd, buffer, 0, 10, place),
        [...buffer],
      ]);
    }),
  ),
  sync('readSync of nothing', (fs, at) =>
    withFd(fs, at('/d/text'), (fd) => [
      fs.readSync(fd, Buffer.alloc(0), 0, 0, null),
      fs.readSync(fd, Buffer.alloc(5), 2, 0, 9),
    ]),
  ),
  sync('readSync into other views', (fs, at) =>
    withFd(fs, at('/d/random'), (fd) => {
      const memory = new ArrayBuffer(64);
      return [
        fs.readSync(fd, new Uint16Array(memory, 8, 4)),
        fs.readSync(fd, new DataView(memory, 32, 16), 4, 8, 5000),
        fs.readSync(fd, new Float64Array(memory, 48), { position: 1 }),
        new Uint8Array(memory),
      ];
    }),
  ),
  ...[
    [Buffer.alloc(0)],
    ['buffer'],
    [[1, 2]],
    [Buffer.alloc(4), 5],
    [Buffer.alloc(4), -1],
    [Buffer.alloc(4), 1.5],
    [Buffer.alloc(4), '1'],
    [Buffer.alloc(4), 0, 5],
    [Buffer.alloc(4), 2, 3],
    [Buffer.alloc(4), 0, -1],
    [Buffer.alloc(4), 0, 4, 1.5],
    [Buffer.alloc(4), 0, 4, -2],
    [Buffer.alloc(4), 0, 4, '0'],
    [Buffer.alloc(4), 0, 4, 2n ** 70n],
    [Buffer.alloc(4), 0, 4, Number.NaN],
  ].map((args) =>
    sync(
      `readSync(fd, ${args.map((one) => (Buffer.isBuffer(one) ? `${one.length} bytes` : String(one))).join(', ')})`,
      (fs, at) => withFd(fs, at('/d/text'), (fd) => (fs.readSync as (...a: unknown[]) => unknown)(fd, ...args)),
    ),
  ),
  sync('readSync of a directory', (fs, at) => withFd(fs, at('/d'), (fd) => fs.readSync(fd, Buffer.alloc(9)))),
  sync('readSync of what is not open', (fs) => fs.readSync(1_000_000, Buffer.alloc(9))),
  sync('readvSync', (fs, at) =>
    withFd(fs, at('/d/text'), (fd) => {
      const buffers = [Buffer.alloc(5), new Uint8Array(0), Buffer.alloc(70_000), Buffer.alloc(7)];
      return [
        fs.readvSync(fd, buffers, 100),
        buffers,
        fs.readvSync(fd, [buffers[0]!]),
        buffers[0],
        fs.readvSync(fd, []),
      ];
    }),
  ),
  sync('readvSync of what is no array', (fs, at) => withFd(fs, at('/d/text'), (fd) => fs.readvSync(fd, wrong('x')))),
];

export const handles: Call[] = [
  promise('open and read in every form', (fs, at) =>
    withHandle(fs, at('/d/text'), async (handle) => {
      const buffer = Buffer.alloc(30);
      const first = await handle.read(buffer, 0, 10, 4000);
      const second = await handle.read(buffer, { offset: 10, length: 10 });
      const third = await handle.read({ buffer, offset: 20, length: 10, position: 65_995 });
      const { bytesRead, buffer: made } = await handle.read();
      return [first.bytesRead, second.bytesRead, third.bytesRead, buffer, bytesRead, made.length, made.subarray(0, 20)];
    }),
  ),
  promise('readv, stat, readFile from the position', (fs, at) =>
    withHandle(fs, at('/d/mixed'), async (handle) => {
      const buffers = [Buffer.alloc(3), Buffer.alloc(4100)];
      const { bytesRead } = await handle.readv(buffers);
      return [
        bytesRead,
        buffers,
        await handle.stat(),
        await handle.stat({ bigint: true }),
        await handle.readFile('hex'),
      ];
    }),
  ),
  promise('readFile of a handle', (fs, at) =>
    withHandle(fs, at('/d/mixed'), (handle) => fs.readFile(handle, 'latin1')),
  ),
  promise('a handle closes once and for all', async (fs, at) => {
    const handle = await fs.open(at('/d/text'));
    await handle.close();
    await handle.close();
    return [handle.fd, await handle.read(Buffer.alloc(5)).catch(({ code, syscall }) => [code, syscall])];
  }),
  promise('await using', async (fs, at) => {
    const handle = await fs.open(at('/d/text'));
    await handle[Symbol.asyncDispose]();
    return handle.fd;
  }),
  promise('readLines', (fs, at) =>
    withHandle(fs, at('/d/text'), async (handle) => {
      const lines: string[] = [];
      for await (const line of handle.readLines({ autoClose: false })) lines.push(line);
      return lines;
    }),
  ),
  promise('readableWebStream', (fs, at) =>
    withHandle(fs, at('/d/random'), async (handle) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of handle.readableWebStream({ type: 'bytes' })) chunks.push(new Uint8Array(chunk));
      return Buffer.concat(chunks);
    }),
  ),
  promise('createReadStream of a handle closes it', async (fs, at) => {
    const handle = await fs.open(at('/d/one'));
    const from = handle.createReadStream({ start: 1, end: 3 });
    const read = await text(from);
    if (!from.closed) await once(from, 'close');
    return [read, handle.fd];
  }),
  promise('open of nothing', (fs, at) => fs.open(at('/absent'))),
  promise('open with flags that are none', (fs, at) => fs.open(at('/d/text'), 'q')),
  promise('readFile, aborted before', (fs, at) => fs.readFile(at('/d/text'), { signal: AbortSignal.abort() })),
  promise('readFile, aborted right behind the call', async (fs, at) => {
    const controller = new AbortController();
    const reading = fs.readFile(at('/d/text'), { signal: controller.signal });
    controller.abort(new Error('enough'));
    return reading.catch(({ name, code, cause }) => [name, code, cause.message]);
  }),
  promise('readFile with a signal that is none', (fs, at) => fs.readFile(at('/d/text'), { signal: wrong({}) })),
];

export const directories: Call[] = [
  sync('opendirSync, readSync', (fs, at, { local }) => {
    const directory = fs.opendirSync(at('/d'));
    const entries: unknown[] = [];
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) entries.push(entry);
    const rest = directory.readSync();
    directory.closeSync();
    return [sorted(entries), rest, local(directory.path)];
  }),
  sync('a closed directory', (fs, at) => {
    const directory = fs.opendirSync(at('/d'));
    directory.closeSync();
    return directory.readSync();
  }),
  sync('a directory closed twice', (fs, at) => {
    const directory = fs.opendirSync(at('/d'));
    directory.closeSync();
    directory.closeSync();
  }),
  sync('opendirSync of a file', (fs, at) => fs.opendirSync(at('/d/text'))),
  sync('opendirSync with a buffer of none', (fs, at) => fs.opendirSync(at('/d'), { bufferSize: 0 })),
  promise('opendir, a loop over it', async (fs, at) => {
    const entries: unknown[] = [];
    for await (const entry of await fs.opendir(at('/d'), { bufferSize: 3 })) entries.push(entry);
    return sorted(entries);
  }),
  promise('opendir, a loop that is left closes', async (fs, at) => {
    const directory = await fs.opendir(at('/d'));
    for await (const _ of directory) break;
    // Node 20 throws here, later ones reject.
    return (async () => directory.read())().catch(({ code }) => code);
  }),
  promise('opendir, read and close', async (fs, at) => {
    const directory = await fs.opendir(at('/d/a'));
    const entries = [await directory.read(), await directory.read()];
    await directory.close();
    return [entries, await directory.close().catch(({ code }) => code)];
  }),
  promise('opendir of nothing', (fs, at) => fs.opendir(at('/absent'))),
];

const stream = (name: string, run: (subject: Subject) => Promise<unknown>): Call => ({ name: `stream: ${name}`, run });

export const streams: Call[] = [
  stream('a whole file', async ({ sync: fs, at }) => text(fs.createReadStream(at('/d/text')))),
  stream('a part, in small pieces', async ({ sync: fs, at }) => {
    const pieces: number[] = [];
    let all = '';
    for await (const piece of fs.createReadStream(at('/d/random'), {
      start: 4000,
      end: 9000,
      highWaterMark: 777,
      encoding: 'hex',
    })) {
      pieces.push(piece.length);
      all += piece;
    }
    return [pieces, all];
  }),
  stream('nothing', async ({ sync: fs, at }) => text(fs.createReadStream(at('/absent')))),
  stream('a directory', async ({ sync: fs, at }) => text(fs.createReadStream(at('/d')))),
  stream(
    'events',
    ({ sync: fs, at }) =>
      new Promise((resolve) => {
        const events: string[] = [];
        const from = fs.createReadStream(at('/d/one'));
        for (const event of ['open', 'ready', 'end', 'close']) from.on(event, () => events.push(event));
        from
          .on('data', (chunk) => events.push(`data ${chunk.length}`))
          .on('close', () => resolve([events, from.bytesRead]));
      }),
  ),
  stream(
    'destroyed early',
    ({ sync: fs, at }) =>
      new Promise((resolve) => {
        const from = fs.createReadStream(at('/d/text'), { highWaterMark: 100 });
        from.once('data', () => from.destroy());
        from.on('close', () => resolve([from.destroyed, from.readableEnded]));
      }),
  ),
  stream(
    'aborted',
    ({ sync: fs, at }) =>
      new Promise((resolve) => {
        const controller = new AbortController();
        const from = fs.createReadStream(at('/d/text'), { highWaterMark: 100, signal: controller.signal });
        from.once('data', () => controller.abort());
        from.on('error', ({ name }) => resolve(name));
      }),
  ),
  stream('a start behind the end', async ({ sync: fs, at }) => text(fs.createReadStream(at('/d/one'), { start: 100 }))),
  stream('from an open file', async ({ sync: fs, promises, at }) => {
    const handle = await promises.open(at('/d/one'));
    const from = fs.createReadStream('', { fd: handle });
    const read = await text(from);
    if (!from.closed) await once(from, 'close');
    return [read, handle.fd];
  }),
];
