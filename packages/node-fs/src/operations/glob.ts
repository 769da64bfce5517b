// glob: the shell's patterns over a volume. minimatch reads the patterns; the walk is ours, so that it lists a directory
// only when a pattern may match below it.
//
//   *  ?  [..]  +(..)  {a,b}   in one name; a name that begins with a dot needs a pattern that does
//   **                         any directories, none included; enters neither symlinks nor dot names
//   a/                         directories only
//
// What cannot be listed matches nothing, as in Node.

import { FsError } from '@f2fskit/errno';
import type { Task } from '@f2fskit/task';
import type { InodeKind } from '@f2fskit/vfs';
import { GLOBSTAR, Minimatch } from 'minimatch';
import type { GlobDirentOptions, GlobOptions } from '../api.ts';
import { invalidType } from '../argument-error.ts';
import { toPath } from '../arguments.ts';
import type { FsContext } from '../context.ts';
import { Dirent } from '../dirent.ts';
import { list } from './names.ts';

type Part = Minimatch['set'][number][number];

/** One pattern without braces, and how far it has been matched in a directory. */
interface State {
  parts: readonly Part[];
  /** The part that the names of the directory are held against. */
  next: number;
}

/** A directory whose names are still to be held against patterns. */
interface Pending {
  /** As it is shown: relative to the start, or absolute. */
  shown: string;
  /** As it is walked. */
  path: string;
  states: State[];
}

const OPTIONS = { nonegate: true, nocomment: true, optimizationLevel: 2, platform: 'linux' } as const;

export class Glob {
  readonly #context: FsContext;
  readonly #exclude: (path: string, entry: Dirent) => boolean;
  readonly #withFileTypes: boolean;
  readonly #pending: Pending[] = [];
  readonly #found: Array<string | Dirent> = [];
  /** A name is shown once, whatever number of patterns it matches. */
  readonly #shown = new Set<string>();

  constructor(context: FsContext, pattern: string | readonly string[], options: GlobOptions | GlobDirentOptions = {}) {
    this.#context = context;
    this.#withFileTypes = 'withFileTypes' in options && options.withFileTypes === true;
    const cwd = absolute(options.cwd === undefined ? '/' : (toPath(options.cwd, 'options.cwd') as string));
    this.#exclude = exclusion(options.exclude, cwd, this.#withFileTypes);
    const patterns = typeof pattern === 'string' ? [pattern] : pattern;
    if (!Array.isArray(patterns) || patterns.some((one) => typeof one !== 'string')) {
      throw invalidType('pattern', 'of type string or an array of strings', pattern);
    }
    const relative: Pending = { shown: '', path: cwd, states: [] };
    const rooted: Pending = { shown: '/', path: '/', states: [] };
    for (const parts of patterns.flatMap((one: string) => new Minimatch(one, OPTIONS).set)) {
      if (parts[0] === '' && parts.length > 1) rooted.states.push({ parts, next: 1 });
      else this.#startRelative(relative, parts);
    }
    this.#push(rooted);
    this.#push(relative);
  }

  /** The next match, `undefined` at the end. */
  *next(): Task<string | Dirent | undefined> {
    for (;;) {
      const found = this.#found.shift();
      if (found !== undefined) return found;
      const pending = this.#pending.pop();
      if (pending === undefined) return undefined;
      yield* this.#expand(pending);
    }
  }

  /** `../` and `./` at the start of a pattern move the start. */
  #startRelative(start: Pending, parts: readonly Part[]): void {
    let next = 0;
    let { shown, path } = start;
    while (parts[next] === '..' || parts[next] === '.') {
      if (parts[next] === '..') {
        shown += '../';
        path = absolute(`${path}/..`);
      }
      next++;
    }
    if (next === parts.length) parts = [...parts, '']; // `..` alone: the directory itself
    if (shown === start.shown) start.states.push({ parts, next });
    else this.#push({ shown, path, states: [{ parts, next }] });
  }

  #push(pending: Pending): void {
    if (pending.states.length > 0) this.#pending.push(pending);
  }

  *#expand({ shown, path, states }: Pending): Task<void> {
    const active = withGlobstars(states);
    // A pattern that is over here, or has only `**` left, matches the directory itself.
    if (active.some(({ parts, next }) => next === parts.length || (next === parts.length - 1 && parts[next] === ''))) {
      this.#match(trimmed(shown), parentOf(path), baseOf(path), 'directory');
    }
    const open = active.filter(({ parts, next }) => next < parts.length && parts[next] !== '');
    if (open.length === 0) return;
    for (const { name, kind } of yield* this.#list(path)) {
      const below: State[] = [];
      let matches = false;
      for (const state of open) {
        const { parts, next } = state;
        const part = parts[next]!;
        const last = next === parts.length - 1;
        if (part === GLOBSTAR) {
          if (name.startsWith('.')) continue;
          if (last) matches = true;
          if (kind === 'directory') below.push(state);
        } else if (typeof part === 'string' ? part === name : part.test(name)) {
          if (last) matches = true;
          else below.push({ parts, next: next + 1 });
        }
      }
      if (!matches && below.length === 0) continue;
      const child = joined(path, name);
      if (this.#exclude(child, new Dirent(name, path, kind))) continue;
      if (matches) this.#match(shown + name, path, name, kind);
      if (below.length > 0 && (yield* this.#isDirectory(child, kind))) {
        this.#push({ shown: `${shown}${name}/`, path: child, states: below });
      }
    }
  }

  #match(shown: string, parent: string, name: string, kind: InodeKind): void {
    if (this.#shown.has(shown)) return;
    this.#shown.add(shown);
    this.#found.push(this.#withFileTypes ? new Dirent(name, parent, kind) : shown);
  }

  *#list(path: string): Task<Array<{ name: string; kind: InodeKind }>> {
    try {
      return yield* list(this.#context, path);
    } catch (error) {
      if (error instanceof FsError) return [];
      throw error;
    }
  }

  *#isDirectory(path: string, kind: InodeKind): Task<boolean> {
    if (kind !== 'symlink') return kind === 'directory';
    try {
      return (yield* this.#context.vfs.walk(path)).inode.kind === 'directory';
    } catch (error) {
      if (error instanceof FsError) return false;
      throw error;
    }
  }
}

/** `**` may stand for no directory: the part behind it counts here as well. */
function withGlobstars(states: readonly State[]): State[] {
  const active: State[] = [];
  const add = ({ parts, next }: State): void => {
    if (active.some((state) => state.parts === parts && state.next === next)) return;
    active.push({ parts, next });
    if (parts[next] === GLOBSTAR) add({ parts, next: next + 1 });
  };
  for (const state of states) add(state);
  return active;
}

function exclusion(
  exclude: GlobOptions['exclude'] | GlobDirentOptions['exclude'],
  cwd: string,
  withFileTypes: boolean,
): (path: string, entry: Dirent) => boolean {
  if (exclude === undefined || exclude === null) return () => false;
  if (typeof exclude === 'function') {
    const test = exclude as (entry: unknown) => boolean;
    return (_, entry) => test(withFileTypes ? entry : entry.name);
  }
  if (!Array.isArray(exclude)) throw invalidType('options.exclude', 'a function or an array of strings', exclude);
  const matchers = (exclude as readonly string[]).map(
    (pattern) => new Minimatch(absolute(joined(cwd, pattern)), OPTIONS),
  );
  return (path, entry) =>
    matchers.some((matcher) => matcher.match(path) || (entry.isDirectory() && matcher.match(`${path}/`)));
}

function joined(path: string, name: string): string {
  if (name.startsWith('/')) return name;
  return path.endsWith('/') ? path + name : `${path}/${name}`;
}

/** Without `.`, `..` and double slashes; `..` above the root is the root. Symlinks are the walk's business. */
function absolute(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

function trimmed(shown: string): string {
  if (shown === '') return '.';
  return shown.length > 1 && shown.endsWith('/') ? shown.slice(0, -1) : shown;
}

function parentOf(path: string): string {
  return absolute(`${path}/..`);
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
