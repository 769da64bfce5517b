// One typed event stream per volume. Packages declare their events by merging into TraceEvents; nothing is built, not
// even the event object, unless somebody listens:
//
//   if (tracer.active) tracer.emit('bio:submit', { offset, size });

/** Event name → payload. Empty here; `declare module '@f2fskit/task'` adds to it in the package that emits. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface TraceEvents {}

export type TraceListener = <Name extends keyof TraceEvents>(name: Name, event: TraceEvents[Name]) => void;

export class Tracer {
  /** False while nobody listens: test it before building an event. */
  active = false;
  readonly #listeners = new Set<TraceListener>();

  emit<Name extends keyof TraceEvents>(name: Name, event: TraceEvents[Name]): void {
    for (const listener of this.#listeners) listener(name, event);
  }

  /** Starts listening to every event; the returned function stops it. */
  listen(listener: TraceListener): () => void {
    this.#listeners.add(listener);
    this.active = true;
    return () => {
      this.#listeners.delete(listener);
      this.active = this.#listeners.size > 0;
    };
  }
}
