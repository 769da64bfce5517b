// System calls of the host that node:fs does not have, made by a resident python3: mknod, fallocate, renameat2, extended
// attributes, times to the nanosecond. One request a line, one answer a line. For tests on Linux only; without a python3
// there are none.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { FsError } from '@f2fskit/errno';

const SCRIPT = `
import ctypes, json, os, sys
os.umask(0)
libc = ctypes.CDLL(None, use_errno=True)
class Time(ctypes.Structure):
    _fields_ = [('seconds', ctypes.c_long), ('nanoseconds', ctypes.c_long)]
OMIT = (1 << 30) - 2
def call(result):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
def mknod(path, mode, major, minor):
    os.mknod(path, mode, os.makedev(major, minor))
def fallocate(path, process, descriptor, mode, position, length):
    if descriptor < 0:
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    else:
        with open('/proc/%d/fdinfo/%d' % (process, descriptor)) as info:
            flags = int(next(line for line in info if line.startswith('flags:')).split()[1], 8)
        fd = os.open('/proc/%d/fd/%d' % (process, descriptor), flags & os.O_ACCMODE)
    try:
        call(libc.fallocate(fd, mode, ctypes.c_long(position), ctypes.c_long(length)))
    finally:
        os.close(fd)
def rename(old, new, flags):
    call(libc.renameat2(-100, old, -100, new, flags))
def setxattr(path, name, value, flags):
    os.setxattr(path, name, value, flags)
def getxattr(path, name):
    return os.getxattr(path, name).hex()
def removexattr(path, name):
    os.removexattr(path, name)
def listxattr(path):
    return [os.fsencode(name).hex() for name in os.listxattr(path)]
def utimens(path, atime, mtime, no_follow):
    times = (Time * 2)(*[Time(0, OMIT) if time is None else Time(*time) for time in (atime, mtime)])
    call(libc.utimensat(-100, path, times, 0x100 if no_follow else 0))
def decode(value):
    return bytes.fromhex(value['hex']) if isinstance(value, dict) else value
print('{}', flush=True)
for line in sys.stdin:
    name, arguments = json.loads(line)
    try:
        answer = {'value': globals()[name](*map(decode, arguments))}
    except OSError as error:
        answer = {'errno': error.errno}
    print(json.dumps(answer), flush=True)
`;

type Argument = number | boolean | null | readonly [number, number] | Uint8Array;

export class HostCalls {
  readonly #process: ChildProcess;
  readonly #waiting: Array<{ resolve: (line: string) => void; reject: (error: Error) => void }> = [];

  private constructor(process: ChildProcess) {
    this.#process = process;
    createInterface({ input: process.stdout! }).on('line', (line) => this.#waiting.shift()?.resolve(line));
    process.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('python3 has ended'));
    });
    process.stdin!.on('error', () => {}); // the end of the process says it
  }

  /** `undefined` where there is no python3 that can do it. */
  static async start(): Promise<HostCalls | undefined> {
    if (process.platform !== 'linux') return undefined;
    const child = spawn('python3', ['-c', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
    const started = await new Promise<boolean>((resolve) => {
      child.once('error', () => resolve(false));
      child.once('spawn', () => resolve(true));
    });
    if (!started) return undefined;
    const calls = new HostCalls(child);
    try {
      await calls.#answer();
      return calls;
    } catch {
      return undefined;
    }
  }

  /** The answer of one of the functions above; an FsError where the system call failed. */
  async call(name: string, ...values: Argument[]): Promise<unknown> {
    const encoded = values.map((value) =>
      value instanceof Uint8Array ? { hex: Buffer.from(value).toString('hex') } : value,
    );
    const answer = this.#answer();
    this.#process.stdin!.write(JSON.stringify([name, encoded]) + '\n');
    const { errno, value } = JSON.parse(await answer) as { errno?: number; value?: unknown };
    if (errno !== undefined) throw new FsError(errno, { syscall: name });
    return value;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#process.once('close', resolve));
    this.#process.stdin!.end();
    await closed;
  }

  #answer(): Promise<string> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }
}
