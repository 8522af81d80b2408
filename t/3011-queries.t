#!/usr/bin/perl
# Every statement prepares against a fresh schema, and the roles that use it have the rights for it.
# EXPLAIN EXECUTE checks rights and types without running anything.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Pg;

my $pg = Luukku::Test::Pg->start;
my $db = $pg->database;

# Who runs what: by the name's beginning, the longest that fits.
my @intake = qw(luukku_fetch luukku_lmtp);
my @all = (@intake, qw(luukku_send luukku_sched luukku_web luukku_ctl));
my %users = (
	action         => \@intake,
	arrival        => \@intake,
	assign         => \@intake,
	board          => ['luukku_web'],
	blob           => [@intake],
	blob_chunks_out => [@intake, qw(luukku_send luukku_ctl)],
	blob_head      => [@intake, qw(luukku_send luukku_ctl)],
	bounce         => \@intake,
	command        => [@intake, 'luukku_ctl'],
	command_absences => [@intake, qw(luukku_ctl luukku_sched)],
	check          => ['luukku_ctl'],
	ctl            => ['luukku_ctl'],
	db             => \@all,
	fetch          => ['luukku_fetch'],
	field          => \@intake,
	held           => [@intake, 'luukku_ctl'],
	held           => ['luukku_ctl'],
	hours          => [qw(luukku_sched luukku_ctl)],
	ingest         => \@intake,
	ingest_askers  => [@intake, 'luukku_ctl'],
	ingest_lock    => [@intake, 'luukku_ctl'],
	ingest_look    => [@intake, 'luukku_ctl'],
	ingest_machine_repeat => [@intake, 'luukku_ctl'],
	intake         => \@intake,
	intake_alike   => [@intake, 'luukku_ctl'],
	intake_joined  => [@intake, 'luukku_ctl'],
	intake_promise => [@intake, 'luukku_ctl'],
	intake_similar => [@intake, 'luukku_ctl'],
	lease          => ['luukku_sched'],
	lease_check    => ['luukku_fetch'],
	lease_list     => ['luukku_ctl'],
	lmtp           => ['luukku_lmtp'],
	migrate        => ['luukku_owner'],
	migrate_applied => [qw(luukku_owner luukku_ctl)],
	migrate_has_table => [qw(luukku_owner luukku_ctl)],
	notice         => ['luukku_send'],
	outbox         => ['luukku_send'],
	outbox_insert  => [@intake, qw(luukku_ctl luukku_sched)],
	outbox_tripped => [@intake, qw(luukku_ctl luukku_sched)],
	outbox_prepare => [@intake, qw(luukku_ctl luukku_sched)],
	person         => ['luukku_ctl'],
	picture        => ['luukku_sched'],
	replay         => ['luukku_ctl'],
	report         => ['luukku_ctl'],
	retention      => ['luukku_sched'],
	sched          => ['luukku_sched'],
	stored         => [@intake, 'luukku_ctl'],
	thread         => [@intake, 'luukku_ctl'],
	ticket         => [@intake, 'luukku_ctl'],
	ticket_clock   => [@intake, qw(luukku_ctl luukku_sched)],
	ticket_move    => [@intake, qw(luukku_ctl luukku_sched)],
	ticket_event_add => [@intake, qw(luukku_ctl luukku_sched)],
	timer          => ['luukku_sched'],
	top            => ['luukku_ctl'],
	trial          => ['luukku_ctl'],
	timer_drop     => [@intake, qw(luukku_ctl luukku_sched)],
	ctl_status     => [qw(luukku_ctl luukku_web)],
	survey         => ['luukku_sched'],
	survey_find    => [@intake, 'luukku_web'],
	survey_answer  => [@intake, 'luukku_web'],
	survey_answered => [@intake, 'luukku_web'],
	survey_show    => ['luukku_ctl'],
	survey_export  => ['luukku_ctl'],
	survey_erase   => ['luukku_ctl'],
	web            => ['luukku_web'],
	timer_set      => [@intake, qw(luukku_ctl luukku_sched)],
);

my $open = $db->helper('open');
is($open->{status}, 0, 'every statement prepares at connect') or diag $open->{err};

my (%script, %wanted, @unknown);
for my $query (split /\0/, $db->helper('queries')->{out}) {
	my ($name, $n, $text) = $query =~ /\A(\w+) (\d+) (.*)\n\z/s or die "cannot read: $query";
	my ($key) = sort { length $b <=> length $a } grep { $name =~ /\A\Q$_\E(?:_|\z)/ } keys %users;
	if (!$key) {
		push @unknown, $name;
		next;
	}
	# What EXPLAIN cannot look into: it needs no right of its own, or other tests run it.
	next if $text !~ /\A\(?(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b/i;
	my $nulls = $n ? '(' . join(', ', ('NULL') x $n) . ')' : '';
	for my $role (@{ $users{$key} }) {
		$wanted{$role}{$name} = 1;
		$script{$role} .= "\\warn == $name\nPREPARE $name AS $text;\nEXPLAIN EXECUTE $name$nulls;\n";
	}
}
is_deeply(\@unknown, [], 'this test knows who runs each statement (add new ones to %users)');

# With a million tickets a statement that reads a whole table is an outage. Where none can be avoided, even
# for a planner that would do anything else, the table is small or the statement is asked once in a while.
my %reads_all = (
	command_organisation => 'a few thousand names of the configuration',
	ctl_status_counts    => 'timers of open tickets',
	intake_named         => 'people by name, for a forwarded mail that names nobody by address',
	person_organisations => 'all organisations',
	trial_mails          => 'a trial lasts weeks, and its report is asked for once in a while',
	trial_quarantine     => 'the same',
	trial_threads        => 'the same',
);
my ($plans, %seen) = ("SET enable_seqscan = off;\nSET plan_cache_mode = force_generic_plan;\n");
for my $query (split /\0/, $db->helper('queries')->{out}) {
	my ($name, $n, $text) = $query =~ /\A(\w+) (\d+) (.*)\n\z/s or die "cannot read: $query";
	next if $text !~ /\A\(?(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b/i;
	my $nulls = $n ? '(' . join(', ', ('NULL') x $n) . ')' : '';
	$plans .= "\\echo == $name\nPREPARE $name AS $text;\nEXPLAIN EXECUTE $name$nulls;\n";
}
my $explained = $db->psql($plans, user => 'luukku_owner');
is($explained->{err}, '', 'every statement has a plan');
my $at = '';
for my $line (split /\n/, $explained->{out}) {
	$at = $1 if $line =~ /^== (\w+)/;
	$seen{$at} = 1 if $line =~ /\bSeq Scan on (?!pg_|open_queue\b)/; # one row a queue
}
is_deeply([grep { !$reads_all{$_} } sort keys %seen], [], 'no other statement reads a whole table')
	or diag 'give it an index, or its reason in %reads_all';
is_deeply([grep { !$seen{$_} } sort keys %reads_all], [], '... and these do');
my ($next_due) = $explained->{out} =~ /^== outbox_next_due\n(.*?)^== /ms;
like($next_due, qr/using outbox_due on outbox o_1.*\n.*Index Cond: \(rank = /, 'when the next mail is due is asked before each one: however many wait');

for my $role (sort keys %script) {
	my $is_owner = $role eq 'luukku_owner';
	my $done = $db->psql($script{$role}, user => $is_owner ? $role : 'luukku',
		role => $is_owner ? undef : $role);
	my %said = $done->{err} =~ /^== (\w+)\n((?:(?!== )[^\n]*\n)*)/mg;
	is_deeply([sort keys %said], [sort keys %{ $wanted{$role} }], "$role: all were tried");
	my @failed = map { "$_: $said{$_}" } grep { $said{$_} ne '' } sort keys %said;
	is_deeply(\@failed, [], "$role has the rights for its " . keys(%said) . ' statements')
		or diag join '', @failed;
}

done_testing;
