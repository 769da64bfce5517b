export { Completion, finished, type Task, wait, waitAll } from './completion.ts';
export { type Clock, fixedClock, type RandomSource, seededRandom, systemClock } from './determinism.ts';
export { type DriverMode, runAsync, runSync, Scheduler, SyncUnavailableError } from './driver.ts';
export { Lock, SharedLock } from './lock.ts';
export { HeldRange, RangeLock } from './range-lock.ts';
export { type TraceEvents, type TraceListener, Tracer } from './tracer.ts';
