// Tracepoints of the block layer: `bio:submit` and `bio:complete`. While nobody listens a bio passes with one test.

import type { Tracer } from '@f2fskit/task';
import type { Bio, BioOperation } from './bio.ts';
import type { BlockDevice } from './device.ts';
import { DeviceWrapper } from './device-wrapper.ts';

/** A request as the tracepoints show it. */
export interface BioEvent {
  /** Counts the traced bios of one device from 0; pairs a submit with its complete. */
  id: number;
  /** Name of the device. */
  device: string;
  operation: BioOperation;
  /** Bits of `BioFlag`. */
  flags: number;
  /** Bytes on the device. */
  offset: number;
  /** Bytes. */
  size: number;
  /** Number of memory segments. */
  segments: number;
}

declare module '@f2fskit/task' {
  interface TraceEvents {
    'bio:submit': BioEvent;
    /** `error` is 0 or a positive error number; `residual` as in `Bio`. */
    'bio:complete': BioEvent & { error: number; residual: number };
  }
}

/** Tells `tracer` of every bio that goes through. */
export class TracingDevice extends DeviceWrapper {
  readonly #tracer: Tracer;
  #bios = 0;

  constructor(device: BlockDevice, tracer: Tracer) {
    super(device);
    this.#tracer = tracer;
  }

  submit(bio: Bio): void {
    if (this.#tracer.active) this.#trace(bio);
    this.device.submit(bio);
  }

  #trace(bio: Bio): void {
    const event: BioEvent = {
      id: this.#bios++,
      device: this.name,
      operation: bio.operation,
      flags: bio.flags,
      offset: bio.offset,
      size: bio.size,
      segments: bio.segments.length,
    };
    this.#tracer.emit('bio:submit', event);
    bio.completion.subscribe(() => {
      this.#tracer.emit('bio:complete', { ...event, error: bio.completion.error, residual: bio.residual });
    });
  }
}
