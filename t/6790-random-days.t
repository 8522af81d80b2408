#!/usr/bin/perl
# Random days at a desk: customers, agents, suppliers, people who were asked, a forger and robots do what
# comes to mind, by mail; what may not happen is looked for after every few steps. A day that goes wrong is
# told as its seed and the fewest steps that still go wrong. LUUKKU_SEED=N plays that day alone,
# LUUKKU_DAYS=N so many, LUUKKU_LONG=1 more and longer ones.
use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base;
use Luukku::Test::DayRules;
use Luukku::Test::Days;
use Luukku::Test::Desk;
use Test::More;
use Time::HiRes qw(time);

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $first = $ENV{LUUKKU_SEED} // 1;
my $days = $ENV{LUUKKU_DAYS} // ($ENV{LUUKKU_SEED} ? 1 : $ENV{LUUKKU_LONG} ? 40 : 3);
my $steps = $ENV{LUUKKU_STEPS} // ($ENV{LUUKKU_LONG} ? 150 : 80);
my $every = 5;

srand 6790;
my $desk = Luukku::Test::Desk->start(Luukku::Test::Days::conf());
my $is_used;

# The steps of these numbers, one after another; gives the day and what was broken after how many.
sub play {
	my (@numbers) = @_;
	$desk->start_over_database if $is_used++;
	my $day = Luukku::Test::Days->begin($desk);
	my @broken;
	my $n = 0;
	for my $number (@numbers) {
		$n++;
		eval { $day->step($number); 1 } or @broken = $@ =~ s/\n\z//r;
		@broken = Luukku::Test::DayRules::broken($day) if !@broken && ($n % $every == 0 || $n == @numbers);
		last if @broken;
	}
	my $status = $day->end;
	push @broken, "the helper ended with $status" if $status && !@broken;
	return ($day, $n, @broken);
}

# What is broken, without the words and numbers that differ from day to day.
sub sort_of {
	return $_[0] =~ s/qx[a-t]{4}|\S+@\S+|".*"|[0-9]+//gr;
}

# Fewer and fewer of the steps, as long as they break the same, for a minute at most.
sub shorten {
	my ($what, @numbers) = @_;
	my $until = time + ($ENV{LUUKKU_SHORTEN} // 60);
	for (my $size = int(@numbers / 2); $size >= 1 && time < $until; $size = int($size / 2)) {
		for (my $at = 0; $at < @numbers && time < $until;) {
			my @fewer = @numbers;
			splice @fewer, $at, $size;
			my (undef, $n, @broken) = @fewer ? play(@fewer) : ();
			if (grep { sort_of($_) eq sort_of($what) } @broken) {
				@numbers = @fewer[0 .. $n - 1];
			} else {
				$at += $size;
			}
		}
	}
	return @numbers;
}

for my $seed ($first .. $first + $days - 1) {
	my $began = time;
	my @numbers = map { $seed * 10_000 + $_ } 1 .. $steps;
	my ($day, $n, @broken) = play(@numbers);
	is(scalar @broken, 0, sprintf 'day %d: %d steps, %d mails in, %d out, %d tickets', $seed, $n, scalar @{ $day->{taken} }, scalar @{ $day->{mails} },
		scalar $desk->db->sql('SELECT count(*) FROM ticket'));
	note sprintf '%.1f s', time - $began;
	next if !@broken;
	diag "LUUKKU_SEED=$seed, step $n: $_" for @broken;
	my @few = shorten($broken[0], @numbers[0 .. $n - 1]);
	($day, $n, @broken) = play(@few);
	diag 'the shortest that breaks it: ' . @few . " steps: $broken[0]" if @broken;
	diag $_ for @{ $day->{story} };
}

done_testing;
