# SPDX-License-Identifier: MIT
# Input of the Perl benchmark: hashes, strings, closures, regular expressions.
# Takes the number of rounds.
use strict;
use warnings;

my $seed = 7;

sub number {
    my ($bound) = @_;
    $seed = ($seed * 1103515245 + 12345) % 2147483648;
    return ($seed >> 8) % $bound;
}

sub count_words {
    my ($count) = @_;
    my (%counts, %places);
    for my $i (1 .. $count) {
        my $word = sprintf('%x', number(9000)) . ('q' x number(12));
        $counts{$word}++;
        push @{ $places{ length $word } }, $word;
    }
    my $text  = join ' ', sort keys %counts;
    my $found = () = $text =~ /\b[0-9]+q+\b/g;
    (my $other = $text) =~ s/q(q+)/<$1>/g;
    return join ',', scalar(keys %counts), length $text, length $other, $found,
        map { scalar @{ $places{$_} } } sort { $a <=> $b } keys %places;
}

sub build_records {
    my ($count) = @_;
    my @records;
    for my $i (1 .. $count) {
        my $step = number(50);
        my @tags = map { "tag$_" } 1 .. 1 + number(5);
        push @records, { id => $i, tags => \@tags, next => sub { $_[0] + $step } };
    }
    my $sum = 0;
    $sum = $_->{next}->($sum) + @{ $_->{tags} } for @records;
    my %by_tag;
    for my $record (@records) {
        push @{ $by_tag{$_} }, $record for @{ $record->{tags} };
    }
    return join ',', $sum, map { $_ . '=' . scalar @{ $by_tag{$_} } } sort keys %by_tag;
}

for my $round (1 .. $ARGV[0]) {
    print $round, ' ', count_words(30000), ' ', build_records(8000), "\n";
}
