// One line that is written over while files are copied, on a terminal only.

import type { ExtractProgress } from 'f2fskit';
import { type Streams, visible } from './output.ts';
import { showBytes } from './show.ts';

export interface ProgressLine {
  show(progress: ExtractProgress): void;
  clear(): void;
}

export function progressLine({ stderr }: Pick<Streams, 'stderr'>): ProgressLine {
  if (stderr.isTTY !== true) return { show: () => {}, clear: () => {} };
  const started = performance.now();
  let shown = false;
  return {
    show({ files, bytes, path }) {
      shown = true;
      const rate = bytes / 1e6 / ((performance.now() - started) / 1000);
      const name = visible(Buffer.from(path).toString()).slice(-40);
      stderr.write(`\r\u001b[K${files} files, ${showBytes(bytes)}, ${rate.toFixed(0)} MB/s  ${name}`);
    },
    clear() {
      if (shown) stderr.write('\r\u001b[K');
      shown = false;
    },
  };
}
