"""Decodes what the encoders wrote with the libraries that define the formats, as strictly as Linux does.

Without arguments: prints the names of the formats whose library is on this machine.
Otherwise reads records from standard input, until its end:

    format    u8     0 lzo, 1 lz4, 2 zstd
    lengths   2*u32  of the block and of the content, little endian
    block, content

and prints one line for each record that its library does not decode to the content, then "done <records>".
"""

import ctypes
import struct
import sys

NAMES = ("lzo", "lz4", "zstd")
LIBRARIES = ("liblzo2.so.2", "liblz4.so.1", "libzstd.so.1")


def library(index):
    try:
        return ctypes.CDLL(LIBRARIES[index])
    except OSError:
        return None


def lzo(lib, block, room):
    target = ctypes.create_string_buffer(room)
    length = ctypes.c_size_t(room)
    status = lib.lzo1x_decompress_safe(block, ctypes.c_size_t(len(block)), target, ctypes.byref(length), None)
    return target.raw[: length.value] if status == 0 else "error %d" % status


def lz4(lib, block, room):
    target = ctypes.create_string_buffer(room + 1)
    length = lib.LZ4_decompress_safe(block, target, len(block), room)
    return target.raw[:length] if length >= 0 else "error %d" % length


class Buffer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("position", ctypes.c_size_t)]


def zstd(lib, block, room):
    """As f2fs does: one call, with memory for a window of the content's size and no more."""
    size_t = ctypes.c_size_t
    lib.ZSTD_estimateDStreamSize.restype = size_t
    lib.ZSTD_initStaticDStream.restype = ctypes.c_void_p
    lib.ZSTD_decompressStream.restype = size_t
    window = 1024
    while window < room:
        window *= 2
    bytes_needed = lib.ZSTD_estimateDStreamSize(size_t(window))
    workspace = (ctypes.c_uint64 * (bytes_needed // 8 + 1))()
    stream = lib.ZSTD_initStaticDStream(workspace, size_t(bytes_needed))
    if not stream:
        return "no stream"
    content = ctypes.create_string_buffer(room + 1)
    source = ctypes.create_string_buffer(block, len(block))
    output = Buffer(ctypes.cast(content, ctypes.c_void_p), room, 0)
    taken = Buffer(ctypes.cast(source, ctypes.c_void_p), len(block), 0)
    status = lib.ZSTD_decompressStream(ctypes.c_void_p(stream), ctypes.byref(output), ctypes.byref(taken))
    if lib.ZSTD_isError(size_t(status)):
        return "error %d" % status
    if taken.position != len(block):
        return "%d of %d bytes taken" % (taken.position, len(block))
    return content.raw[: output.position]


def main():
    libraries = [library(index) for index in range(3)]
    if len(sys.argv) == 1:
        print(" ".join(NAMES[index] for index in range(3) if libraries[index]))
        return
    decoders = (lzo, lz4, zstd)
    data = sys.stdin.buffer.read()
    at = count = 0
    while at < len(data):
        index, block_length, content_length = struct.unpack_from("<BII", data, at)
        at += 9
        block = data[at : at + block_length]
        at += block_length
        content = data[at : at + content_length]
        at += content_length
        found = decoders[index](libraries[index], block, content_length)
        if found != content:
            what = found if isinstance(found, str) else "other content, %d bytes" % len(found)
            print("record %d, %s, %d bytes: %s" % (count, NAMES[index], content_length, what))
        count += 1
    print("done %d" % count)


main()
