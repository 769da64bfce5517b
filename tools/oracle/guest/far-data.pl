# far-data.pl DIR : the data of regular files of more than 1 GiB below DIR, which manifest.sh does not hash: one range a line,
#   path TAB START-END TAB sha256
# START and END in bytes, END excluded, as SEEK_DATA and SEEK_HOLE tell them; a file without data has the range "-". Sorted
# by path, without compressed files: Linux 6.1 takes the first block of a cluster for a hole, 6.12 does not. Run it on a fresh mount: dirty pages would count as data.
use strict;
use constant { SEEK_DATA => 3, SEEK_HOLE => 4, GETFLAGS => 0x80086601, COMPRESSED => 0x4 };
chdir $ARGV[0] or die "$ARGV[0]: $!\n";
my @far;
sub walk {
  my ($dir) = @_;
  opendir my $handle, $dir or die "$dir: $!\n";
  for my $name (sort grep { !/^\.\.?$/ } readdir $handle) {
    my $path = "$dir/$name";
    next if -l $path;
    if (-d _) { walk($path) } elsif (-f _ && -s _ > 2 ** 30) { push @far, $path }
  }
}
walk('.');
for my $path (sort @far) {
  open my $file, '<', $path or die "$path: $!\n";
  my ($at, $found, $flags) = (0, 0, pack 'L!', 0);
  next if ioctl($file, GETFLAGS, $flags) && unpack('L!', $flags) & COMPRESSED;
  while (defined(my $start = sysseek $file, $at, SEEK_DATA)) {
    $at = sysseek $file, $start, SEEK_HOLE;
    sysseek $file, $start, 0;
    open my $copy, '>', '/tmp/range' or die $!;
    for (my $left = $at - $start; $left > 0;) {
      my $count = sysread $file, my $bytes, $left < 65536 ? $left : 65536;
      die "$path: $!\n" if !$count;
      syswrite $copy, $bytes;
      $left -= $count;
    }
    close $copy;
    my ($hash) = split ' ', `sha256sum /tmp/range`;
    print "$path\t", $start + 0, '-', $at + 0, "\t$hash\n";
    $found = 1;
  }
  print "$path\t-\t-\n" if !$found;
}
