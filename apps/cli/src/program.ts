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
import { addBuild } from './commands/build.ts';
import { cat } from './commands/cat.ts';
import { chmod } from './commands/chmod.ts';
import { chown } from './commands/chown.ts';
import { cp } from './commands/cp.ts';
import { dump } from './commands/dump.ts';
import { extract } from './commands/extract.ts';
import { fsck } from './commands/fsck.ts';
import { get } from './commands/get.ts';
import { info } from './commands/info.ts';
import { ln } from './commands/ln.ts';
import { ls } from './commands/ls.ts';
import { manifest } from './commands/manifest.ts';
import { mkdir } from './commands/mkdir.ts';
import { mkfs } from './commands/mkfs.ts';
import { mv } from './commands/mv.ts';
import { put } from './commands/put.ts';
import { rm } from './commands/rm.ts';
import { setxattr } from './commands/setxattr.ts';
import { stat } from './commands/stat.ts';
import { touch } from './commands/touch.ts';
import { tree } from './commands/tree.ts';
import { truncate } from './commands/truncate.ts';
import { xattr } from './commands/xattr.ts';
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

function buildProgram(context: Context): Command {
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
  addCommand(program, info, context);
  addCommand(program, ls, context);
  addCommand(program, tree, context);
  addCommand(program, stat, context);
  addCommand(program, cat, context);
  addCommand(program, xattr, context);
  addCommand(program, extract, context);
  addCommand(program, manifest, context);
  addCommand(program, dump, context);
  addCommand(program, mkfs, context);
  addBuild(program, context);
  addCommand(program, fsck, context);
  addCommand(program, put, context);
  addCommand(program, get, context);
  addCommand(program, mkdir, context);
  addCommand(program, rm, context);
  addCommand(program, mv, context);
  addCommand(program, cp, context);
  addCommand(program, ln, context);
  addCommand(program, chmod, context);
  addCommand(program, chown, context);
  addCommand(program, touch, context);
  addCommand(program, truncate, context);
  addCommand(program, setxattr, context);
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
  const program = buildProgram({ output, streams, environment });
  try {
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
