// Files of OPFS for tests, on the page and in a worker.

/** A file of OPFS, made anew. */
export async function newFile(name: string): Promise<FileSystemFileHandle> {
  const root = await navigator.storage.getDirectory();
  await removeFile(name);
  return root.getFileHandle(name, { create: true });
}

/** Removes a file that may not be there. */
export async function removeFile(name: string): Promise<void> {
  const root = await navigator.storage.getDirectory();
  try {
    await root.removeEntry(name);
  } catch (error) {
    if ((error as DOMException).name !== 'NotFoundError') throw error;
  }
}

/** Replaces the content of a file. Works on the page and in a worker. */
export async function writeFile(handle: FileSystemFileHandle, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const stream = await handle.createWritable();
  await stream.write(bytes);
  await stream.close();
}

/** What the devices under test hold: not a multiple of a block, and different at every place. */
export function patterned(size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, i) => (i * 31) ^ (i >> 7));
}
