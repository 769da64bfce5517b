// A table for people: columns as wide as they need to be, numbers to the right, a rule under the head.

const color =
  process.env['NO_COLOR'] === undefined && (process.stdout.isTTY === true || process.env['FORCE_COLOR'] !== undefined);

/** Terminal codes that turn a style on and off. */
const styles = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], blue: [34, 39] } as const;

export function paint(style: keyof typeof styles, text: string): string {
  const [on, off] = styles[style];
  return color ? `\u001b[${on}m${text}\u001b[${off}m` : text;
}

export interface Column {
  title: string;
  right?: boolean;
}

/** Characters that a terminal shows, without the escapes of colors. */
function width(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes that paint() adds
  return [...text.replace(/\u001b\[[0-9;]*m/g, '')].length;
}

export function table(columns: Column[], rows: string[][]): string {
  const widths = columns.map(({ title }, index) =>
    Math.max(width(title), ...rows.map((row) => width(row[index] ?? ''))),
  );
  const cell = (text: string, index: number): string => {
    const space = ' '.repeat(Math.max(0, widths[index]! - width(text)));
    return columns[index]!.right === true ? space + text : text + space;
  };
  const line = (cells: string[]): string => `  ${cells.map(cell).join('   ')}`.trimEnd();
  const rule = `  ${widths.map((size) => '─'.repeat(size)).join('───')}`;
  return [line(columns.map(({ title }) => paint('bold', title))), paint('dim', rule), ...rows.map(line)].join('\n');
}

/** `0.72` → `███████▏   72 %`, ten cells wide. */
export function bar(share: number): string {
  const eighths = Math.round(share * 80);
  const partial = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8]!;
  const full = '█'.repeat(Math.floor(eighths / 8));
  return `${paint('green', (full + partial).padEnd(10, ' '))} ${String(Math.round(share * 100)).padStart(3)} %`;
}

/** `1536` → `1.5 KiB`. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const units = ['KiB', 'MiB', 'GiB'];
  let value = count / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}
