# casefold-names.pl create|lookup DIR LIST : LIST as casefold-names.mjs prints it.
# create: makes the names in DIR, which is casefolded; a name that folds to one that exists is left out.
# lookup: prints SPELLING(hex) TAB INODE or "-" for each spelling in LIST, in its order, each once.
use strict;
my ($mode, $dir, $list) = @ARGV;
open my $lines, '<', $list or die $!;
chdir $dir or die $!;
my %seen;
while (my $line = <$lines>) {
  chomp $line;
  my ($name, @spellings) = split /[\t,]/, $line;
  if ($mode eq 'create') {
    my $path = pack 'H*', $name;
    next if lstat "./$path";
    open my $file, '>', "./$path" or print STDERR "$name: $!\n";
    print $file "$name\n" if $file;
  } else {
    for my $spelling (grep { !$seen{$_}++ } @spellings) {
      my @stat = lstat './' . pack 'H*', $spelling;
      print "$spelling\t", @stat ? $stat[1] : '-', "\n";
    }
  }
}
