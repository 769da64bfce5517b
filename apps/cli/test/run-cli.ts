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
  /** A signal comes as soon as the run listens for one. */
  signal?: NodeJS.Signals;
}

function collect(stream: PassThrough): Buffer[] {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return chunks;
}

export async function f2fs(
  args: string[],
  { input, terminal = false, environment = {}, signal }: CliOptions = {},
): Promise<CliResult> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const out = collect(stdout);
  const err = collect(stderr);
  const stdin = Readable.from(input === undefined ? [] : [Buffer.from(input)]);
  const onSignal = (handler: (signal: NodeJS.Signals) => void): (() => void) => {
    if (signal !== undefined) handler(signal);
    return () => {};
  };
  const streams = { stdout: Object.assign(stdout, { isTTY: terminal }), stderr, stdin, onSignal };
  const status = await run(args, streams, environment);
  return { status, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() };
}
