// The codecs that workers in Node have: the default ones, and those that Node brings along.

import type { CodecRegistry } from '../../codec.ts';
import { defaultCodecs } from '../../defaults.ts';
import { registerNodeCodecs } from '../../node/index.ts';

export function poolCodecs(): CodecRegistry {
  const codecs = defaultCodecs();
  registerNodeCodecs(codecs);
  return codecs;
}
