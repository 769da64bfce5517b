# ranges.pl DIR : where Linux says that the regular files directly in DIR hold data (SEEK_DATA, SEEK_HOLE), one a line:
#   size TAB START-END[,START-END ...] or "-" TAB name
# in bytes, END excluded, sorted by name. Run it on a fresh mount: dirty pages would count as data.
use strict;
use constant { SEEK_DATA => 3, SEEK_HOLE => 4 };
chdir $ARGV[0] or die "$ARGV[0]: $!\n";
opendir my $dir, '.' or die $!;
for my $name (sort grep { -f $_ && !-l $_ } readdir $dir) {
  open my $file, '<', $name or die "$name: $!\n";
  my ($size, $at, @ranges) = (-s $file, 0);
  while (defined(my $start = sysseek $file, $at, SEEK_DATA)) {
    $at = sysseek $file, $start, SEEK_HOLE;
    push @ranges, ($start + 0) . '-' . ($at + 0);
  }
  print "$size\t", (join ',', @ranges) || '-', "\t$name\n";
}
