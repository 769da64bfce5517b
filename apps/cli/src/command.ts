// What every command gets, and how one is added to the program.

import { type Argument, Command, type Option } from 'commander';
import type { Volume } from 'f2fskit';
import { openImage } from './image.ts';
import type { Output, Streams } from './output.ts';

export interface Context {
  output: Output;
  streams: Streams;
}

/** One command of `f2fs`. */
export interface CommandSpec<Options> {
  name: string;
  summary: string;
  arguments: Argument[];
  options?: Option[];
  /** Complete command lines with what they do, for `--help`. */
  examples: Array<readonly [line: string, what: string]>;
  /** Called with the open volume, which is closed afterwards. */
  run(volume: Volume, args: Arguments, options: Options, context: Context): Promise<void>;
}

/** The arguments behind IMAGE: strings, missing ones, and lists. */
export type Arguments = ReadonlyArray<string | string[] | undefined>;

/** Adds a command whose first argument is IMAGE. */
export function addCommand<Options>(program: Command, spec: CommandSpec<Options>, context: Context): void {
  const command = new Command(spec.name).summary(spec.summary).description(spec.summary);
  command.argument('<image>', 'F2FS volume: a file, a block device, or - for standard input');
  for (const argument of spec.arguments) command.addArgument(argument);
  for (const option of spec.options ?? []) command.addOption(option);
  const width = Math.max(...spec.examples.map(([line]) => line.length));
  const examples = spec.examples.map(([line, what]) => `  $ ${line.padEnd(width)}  # ${what}`);
  command.addHelpText('after', `\nExamples:\n${examples.join('\n')}`);
  command.action(async (image: string, ...rest: unknown[]) => {
    const args = rest.slice(0, spec.arguments.length) as Array<string | string[] | undefined>;
    const volume = await openImage(image, context.output, context.streams);
    try {
      await spec.run(volume, args, rest[spec.arguments.length] as Options, context);
    } finally {
      await volume.close();
    }
  });
  program.addCommand(command.copyInheritedSettings(program));
}
