// The program of a worker in a browser, for both kinds of pool: the first message says which.

import { defaultCodecs } from '../../defaults.ts';
import { workForever } from '../shared-worker.ts';
import { TransferWork } from '../transfer-worker.ts';
import type { WebWorkerScope } from './host.ts';

const scope = globalThis as unknown as WebWorkerScope;
const codecs = defaultCodecs();
const work = new TransferWork(codecs);

scope.onmessage = ({ data }) => {
  if ('worker' in data) workForever(data, codecs, () => scope.postMessage('finished'));
  const returned = work.do(data);
  scope.postMessage(returned, [returned.memory]);
};

/** Whether this is a worker: who imports it elsewhere (a bundler, a check of what a package exports) has no asker. */
export const isWorker = typeof scope.postMessage === 'function';
if (isWorker) scope.postMessage('ready');
