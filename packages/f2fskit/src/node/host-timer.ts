// The timer of the host. It keeps no process alive: what is dirty then is lost, as with a power cut; `close` writes it.

import type { Timer } from '@f2fskit/vfs';

export const hostTimer: Timer = {
  start(milliseconds, callback) {
    const timeout = setTimeout(callback, milliseconds);
    timeout.unref();
    return () => clearTimeout(timeout);
  },
};
