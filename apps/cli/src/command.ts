// What every command gets, and how one is added to the program.

import { type Argument, Command, type Option } from 'commander';
import type { Volume } from 'f2fskit';
import type { Edit } from './edit.ts';
import { openImage } from './image.ts';
import type { Output, Streams } from './output.ts';

export interface Context {
  output: Output;
  streams: Streams;
  environment: NodeJS.ProcessEnv;
}

/** What every command of `f2fs` declares. */
interface CommandShape {
  name: string;
  summary: string;
  /** What IMAGE is, where it is not a volume to read. */
  image?: string;
  arguments: Argument[];
  /** The arguments in the line `Usage:`, where their names do not say enough. */
  usage?: string;
  options?: Option[];
  /** Complete command lines with what they do, for `--help`. */
  examples: Array<readonly [line: string, what: string]>;
  /** More for `--help`: lines below the examples. */
  notes?: string;
}

/** A command over a volume. */
export interface CommandSpec<Options> extends CommandShape {
  /** Looks at the command line before the image is opened. Throws UsageError. */
  check?(args: Arguments, options: Options): void;
  /** Called with the open volume, which is closed afterwards. */
  run(volume: Volume, args: Arguments, options: Options, context: Context): Promise<void>;
}

/** A command that opens IMAGE itself, because some of what it does works where no mount does. */
export interface ImageCommandSpec<Options> extends CommandShape {
  runOnImage(image: string, args: Arguments, options: Options, context: Context): Promise<void>;
}

/** A command that changes the volume. Its option --json is for the report of the run. */
export interface EditCommandSpec<Options extends { json?: boolean }> extends CommandShape {
  /** Looks at the command line before the image is opened. Throws UsageError. */
  check?(args: Arguments, options: Options): void;
  /** Called with a volume that is open for writing; it is left afterwards, see `runEdit`. */
  edit(edit: Edit, args: Arguments, options: Options, context: Context): Promise<void>;
}

/** The arguments behind IMAGE: text or what its parser made of it, missing ones, and lists. */
export type Arguments = readonly unknown[];

const VOLUME =
  'F2FS volume, bare or in an Android sparse image or a partition (disk.img#3, disk.img#userdata): a file, a block device, or - for standard input';

const VOLUME_TO_CHANGE = 'F2FS volume to change, bare: a file or a block device';

/** Adds a command whose first argument is IMAGE. */
export function addCommand<Options extends { json?: boolean }>(
  program: Command,
  spec: CommandSpec<Options> | ImageCommandSpec<Options> | EditCommandSpec<Options>,
  context: Context,
): void {
  const command = new Command(spec.name).summary(spec.summary).description(spec.summary);
  command.argument('<image>', spec.image ?? ('edit' in spec ? VOLUME_TO_CHANGE : VOLUME));
  for (const argument of spec.arguments) command.addArgument(argument);
  if (spec.usage !== undefined) command.usage(`[options] ${spec.usage}`);
  for (const option of spec.options ?? []) command.addOption(option);
  const width = Math.max(...spec.examples.map(([line]) => line.length));
  const examples = spec.examples.map(([line, what]) => `  $ ${line.padEnd(width)}  # ${what}`);
  command.addHelpText('after', `\nExamples:\n${examples.join('\n')}`);
  if (spec.notes !== undefined) command.addHelpText('after', `\n${spec.notes}`);
  command.action(async (image: string, ...rest: unknown[]) => {
    const args = rest.slice(0, spec.arguments.length);
    const options = rest[spec.arguments.length] as Options;
    if ('edit' in spec) {
      spec.check?.(args, options);
      const { runEdit } = await import('./edit.ts'); // as `openVolume`: not for those that need no mount
      const run = { name: spec.name, image, json: options.json === true };
      await runEdit(run, context, (edit) => spec.edit(edit, args, options, context));
    } else if ('runOnImage' in spec) await spec.runOnImage(image, args, options, context);
    else {
      spec.check?.(args, options);
      await withVolume(image, context, (volume) => spec.run(volume, args, options, context));
    }
  });
  program.addCommand(command.copyInheritedSettings(program));
}

/** Opens the image, hands the volume to `use` and closes it afterwards. `norecovery`: see `openImage`. */
export async function withVolume(
  image: string,
  { output, streams }: Context,
  use: (volume: Volume) => Promise<void>,
  { norecovery = false }: { norecovery?: boolean } = {},
): Promise<void> {
  const volume = await openImage(image, output, streams, { norecovery });
  try {
    await use(volume);
  } finally {
    await volume.close();
  }
}
