# manifest.sh DIR : what a volume holds, one record a line, fields separated by tabs:
#   type  mode(octal)  uid  gid  nlink  size  mtime(s)  rdev(major:minor, hex)  hash  path
# type: file directory symlink char block fifo socket. hash: sha256 of a file of at most 1 GiB, the target of a
# symlink, else "-"; empty for a file that Linux refuses to read (encrypted, without its key).
# Sorted by the bytes of the path (LC_ALL=C), so ./a-b comes before ./a/b: not the walk's order.
# Names that contain a newline are outside this format.
cd "$1" || exit 1
export LC_ALL=C
find . -xdev -type f -size -1048577k -print0 | xargs -0 -r -n 200 sha256sum 2>/dev/null >/tmp/sums
find . -xdev -type l -print0 | xargs -0 -r -n 200 stat -c '%N' >/tmp/links
find . -xdev -print0 | xargs -0 -n 200 stat -c '%F|%a|%u|%g|%h|%s|%Y|%t:%T|%n' >/tmp/stats
awk -F'|' '
  FILENAME == "/tmp/sums" { sum[substr($0, 67)] = substr($0, 1, 64); next }
  FILENAME == "/tmp/links" { link[++links] = $0; next }
  { path = $9; for (i = 10; i <= NF; i++) path = path "|" $i
    type = $1; hash = "-"
    if (type ~ /^regular/) { type = "file"; if ($6 <= 1073741824) hash = sum[path] }
    if (type == "symbolic link") { type = "symlink"; hash = substr(link[++shown], length(path) + 8); hash = substr(hash, 1, length(hash) - 1) }
    if (type == "character special file") type = "char"
    if (type == "block special file") type = "block"
    print type "\t" $2 "\t" $3 "\t" $4 "\t" $5 "\t" $6 "\t" $7 "\t" $8 "\t" hash "\t" path }
' /tmp/sums /tmp/links /tmp/stats | sort -t"$(printf '\t')" -k10
