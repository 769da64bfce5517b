// The program: its commands, its errors and its exit codes.
//
//   0    ok
//   1    something failed, or could not be read in part
//   2    wrong usage
//   130  interrupted
//
// `fsck` ends as fsck(8) says: 4 for errors that are there, 8 for a check that could not be done.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addCommand, type Context } from './command.ts';
import { Interrupted, isInternal, UsageError } from './errors.ts';
import { Output, type Streams } from './output.ts';

const EXIT_OK = 0;
const EXIT_USAGE = 2;

function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

type Add = (program: Command, context: Context) => void;

const simple =
  <O extends { json?: boolean }>(command: Parameters<typeof addCommand<O>>[1]): Add =>
  (program, context) =>
    addCommand(program, command, context);

/** The commands, in the order of the help. Each is loaded when it is wanted: most of the start of a small one is loading. */
const commands: Readonly<Record<string, () => Promise<Add>>> = {
  info: async () => simple((await import('./commands/info.ts')).info),
  ls: async () => simple((await import('./commands/ls.ts')).ls),
  tree: async () => simple((await import('./commands/tree.ts')).tree),
  stat: async () => simple((await import('./commands/stat.ts')).stat),
  cat: async () => simple((await import('./commands/cat.ts')).cat),
  xattr: async () => simple((await import('./commands/xattr.ts')).xattr),
  extract: async () => simple((await import('./commands/extract.ts')).extract),
  manifest: async () => simple((await import('./commands/manifest.ts')).manifest),
  dump: async () => simple((await import('./commands/dump.ts')).dump),
  mkfs: async () => simple((await import('./commands/mkfs.ts')).mkfs),
  build: async () => (await import('./commands/build.ts')).addBuild,
  fsck: async () => simple((await import('./commands/fsck.ts')).fsck),
  put: async () => simple((await import('./commands/put.ts')).put),
  get: async () => simple((await import('./commands/get.ts')).get),
  mkdir: async () => simple((await import('./commands/mkdir.ts')).mkdir),
  rm: async () => simple((await import('./commands/rm.ts')).rm),
  mv: async () => simple((await import('./commands/mv.ts')).mv),
  cp: async () => simple((await import('./commands/cp.ts')).cp),
  ln: async () => simple((await import('./commands/ln.ts')).ln),
  chmod: async () => simple((await import('./commands/chmod.ts')).chmod),
  chown: async () => simple((await import('./commands/chown.ts')).chown),
  touch: async () => simple((await import('./commands/touch.ts')).touch),
  truncate: async () => simple((await import('./commands/truncate.ts')).truncate),
  setxattr: async () => simple((await import('./commands/setxattr.ts')).setxattr),
  compress: async () => simple((await import('./commands/compress.ts')).compress),
  decompress: async () => simple((await import('./commands/decompress.ts')).decompress),
};

/** The command that the arguments begin with; all of them where that is none: for the help, and for what is meant by a mistake. */
function load(args: readonly string[]): Promise<Add[]> {
  const wanted = Object.hasOwn(commands, args[0] ?? '') ? [commands[args[0]!]!] : Object.values(commands);
  return Promise.all(wanted.map((command) => command()));
}

async function buildProgram(context: Context, args: readonly string[]): Promise<Command> {
  const { streams } = context;
  const program = new Command('f2fs')
    .description(
      'Make, check, look into and change F2FS volumes: no root, no kernel module, compressed files included.',
    )
    .version(version())
    .configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
    })
    .exitOverride()
    .showHelpAfterError('(add --help for the options and examples)');
  program.addHelpText(
    'after',
    '\nExit codes: 0 ok, 1 failed or partly unreadable, 2 wrong usage, 130 interrupted; fsck has those of fsck(8).',
  );
  for (const add of await load(args)) add(program, context);
  return program;
}

/** Runs one command line; returns the exit code. */
export async function run(
  args: readonly string[],
  streams: Streams,
  environment: NodeJS.ProcessEnv = {},
): Promise<number> {
  const output = new Output(streams, environment);
  streams.exitCode = () => output.exitCode;
  try {
    const program = await buildProgram({ output, streams, environment }, args);
    await program.parseAsync(args as string[], { from: 'user' });
    return output.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
    if (isBrokenPipe(error)) return output.exitCode;
    if (error instanceof Interrupted || error instanceof UsageError) {
      output.note(error.message);
      return error instanceof Interrupted ? error.exitCode : EXIT_USAGE;
    }
    output.fail(describe(error));
    return output.exitCode;
  }
}

/** The reader has seen enough: `f2fs cat … | head` is no failure. */
function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'EPIPE';
}

/** One line for what is expected to happen; a stack for a bug of ours. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isInternal(error) ? `internal error, please report it: ${error.stack}` : error.message;
}
