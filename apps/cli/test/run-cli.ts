// Runs a command line in this process and collects what it prints.

import { PassThrough, Readable } from 'node:stream';
import { run } from '../src/program.ts';

export interface CliResult {
  status: number;
  stdout: Buffer;
  stderr: string;
}

export interface CliOptions {
  /** What standard input holds. */
  input?: Uint8Array;
  /** Standard output pretends to be a terminal. */
  terminal?: boolean;
  environment?: NodeJS.ProcessEnv;
}

function collect(stream: PassThrough): Buffer[] {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return chunks;
}

export async function f2fs(
  args: string[],
  { input, terminal = false, environment = {} }: CliOptions = {},
): Promise<CliResult> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const out = collect(stdout);
  const err = collect(stderr);
  const stdin = Readable.from(input === undefined ? [] : [Buffer.from(input)]);
  const streams = { stdout: Object.assign(stdout, { isTTY: terminal }), stderr, stdin };
  const status = await run(args, streams, environment);
  return { status, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() };
}
