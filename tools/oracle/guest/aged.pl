# aged.pl DIR LARGEST : rounds of writing, replacing and deleting files of up to LARGEST bytes, so that a small volume
# wraps around its free segments and Linux's cleaner has work. Every line of every file is different.
use strict;
my ($dir, $largest) = @ARGV;
for my $round (0 .. 29) {
  for my $i (0 .. 39) {
    my $size = ($i * 7919 + $round * 104729) % $largest + 1;
    my $lines = join '', map { sprintf "file %02d round %02d %s line %06d\n", $i, $round, '.' x 660, $_ } 0 .. $size / 690 + 1;
    open my $file, '>', "$dir/f-$i-" . $round % 3 or die $!;
    print $file substr $lines, 0, $size;
  }
  system 'sync';
  for (my $i = $round % 2; $i < 40; $i += 2) { unlink "$dir/f-$i-" . ($round + 1) % 3 }
}
