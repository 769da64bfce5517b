// What a volume is built from: a plan, and the contents of its files.

import type { Contents } from './contents.ts';
import type { PlanNode } from './plan.ts';

export interface BuildSource {
  readonly root: PlanNode;
  /** Opens a regular file of the plan, one at a time. Throws what the host says. */
  open(node: PlanNode): Contents;
  /** Lets go of everything. */
  close(): void;
}
