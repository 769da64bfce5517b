// Files of OPFS for tests, on the page and in a worker.

/** A file of OPFS, made anew. */
export async function newFile(name: string): Promise<FileSystemFileHandle> {
  await removeFile(name);
  return (await navigator.storage.getDirectory()).getFileHandle(name, { create: true });
}

/** Removes a file that may not be there. */
export async function removeFile(name: string): Promise<void> {
  try {
    await (await navigator.storage.getDirectory()).removeEntry(name);
  } catch (error) {
    if ((error as DOMException).name !== 'NotFoundError') throw error;
  }
}
