package Luukku::Test::Intake;

# lib/desk without daemons: mails go through a real luukku-parse into a real database, as the
# programs' own roles, by t/helper/desk.c.
#
#   my $desk = Luukku::Test::Intake->start;
#   my $took = $desk->take(from => 'maija@example.org', subject => 'x', mailbox => 'hr')
#                                     {outcome, seen, new, ticket, message, arrival, reason}
#   $desk->explain(...)               the explain JSON, decoded, of the same arguments
#   $desk->claim / record / run(...)  what t/helper/desk.c describes
#   $desk->events($ticket)            "event: reason" lines; $desk->row($sql) one row
#   $desk->acknowledge                sends what is due; list of {id, to, from, message_id, wire}
#
# take makes a mail of: from, to, cc, subject, body, id, date, irt, refs, headers (list of lines),
# raw (the whole mail instead); and takes mailbox, uid, folder, at, silent, large, recipient,
# unparsed. Time stands still at NOW unless now => TIME.

use strict;
use warnings;
use JSON::PP ();
use Luukku::Test::Base qw(run slurp spew temp_dir build_dir program source_dir skip_or_die);
use Luukku::Test::Leaks;
use Luukku::Test::Pg;

use constant NOW => '2026-03-27T10:00:00Z';

my $count = 0;

sub start {
	my ($class) = @_;
	my $helper = build_dir() . '/t-helper/desk';
	skip_or_die("$helper is not built; run t/run") if !-x $helper;
	my $pg = Luukku::Test::Pg->start;
	my $self = bless {
		pg => $pg, db => $pg->database, helper => $helper, parse => program('luukku-parse'),
		dir => temp_dir(), uid => 0, now => NOW }, $class;
	Luukku::Test::Leaks::watch($self);
	return $self;
}

# Luukku::Test::Leaks looks at what was claimed; the agents are those of t/helper/desk.c.
sub insiders {
	my ($self, @addresses) = @_;
	$self->{insiders}{ lc $_ } = 1 for @addresses;
	return;
}

sub expect_leak {
	my ($self, $pattern, $why) = @_;
	push @{ $self->{expected_leaks} }, { pattern => $pattern, why => $why };
	return;
}

sub look_for_leaks {
	my ($self) = @_;
	my @mails = map { { rcpt => [$_->{to}], data => $_->{wire} } } values %{ $self->{claimed} // {} };
	Luukku::Test::Leaks::remember($self, Luukku::Test::Leaks::find(db => $self->{db}, mails => \@mails,
		conf => 'agents: ( "aino@example.fi", "bo@example.fi" );', inside => [keys %{ $self->{insiders} // {} }]));
	return;
}

sub db { return $_[0]{db} }

sub run_helper {
	my ($self, $role, $command, %arg) = @_;
	my $now = delete $arg{now} // $self->{now};
	return run([$self->{helper}, $command, map { "$_=$arg{$_}" } sort keys %arg],
		env => {
			LUUKKU_DB => $self->{db}->conninfo, LUUKKU_ROLE => $role, LUUKKU_NOW => $now,
			LUUKKU_PARSE => $self->{parse} });
}

sub run_or_die {
	my ($self, $role, $command, %arg) = @_;
	my $done = $self->run_helper($role, $command, %arg);
	die "$command: status $done->{status}: $done->{err}\n" if $done->{status} != 0;
	chomp $done->{out};
	return $done->{out};
}

sub mail {
	my ($self, %m) = @_;
	return $m{raw} if defined $m{raw};
	my $n = ++$count;
	my $id = exists $m{id} ? $m{id} : "mail$n.$$\@client.example";
	my @lines;
	push @lines, "From: $m{from}" if defined $m{from};
	push @lines, 'To: ' . ($m{to} // 'ict@example.fi');
	push @lines, "Cc: $m{cc}" if defined $m{cc};
	push @lines, "Subject: $m{subject}" if defined $m{subject};
	push @lines, "Message-ID: <$id>" if defined $id;
	push @lines, 'Date: ' . ($m{date} // 'Fri, 27 Mar 2026 09:59:00 +0000')
		if !exists $m{date} || defined $m{date};
	push @lines, "In-Reply-To: <$m{irt}>" if defined $m{irt};
	push @lines, 'References: ' . join ' ', map { "<$_>" } @{ $m{refs} } if $m{refs};
	push @lines, @{ $m{headers} // [] };
	push @lines, 'MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8'
		if !grep { /^Content-Type/i } @lines;
	return join("\r\n", @lines, '', $m{body} // "Hello, number $n.") . "\r\n";
}

sub _write {
	my ($self, %m) = @_;
	my %arg = (file => "$self->{dir}/mail$$." . ++$count . '.eml');
	spew($arg{file}, $self->mail(%m));
	for my $name (qw(mailbox uid folder at silent large recipient unparsed now)) {
		$arg{$name} = $m{$name} if defined $m{$name};
	}
	$arg{uid} //= ++$self->{uid} + 100;
	return %arg;
}

sub take {
	my ($self, %m) = @_;
	my $out = $self->run_or_die('luukku_fetch', 'ingest', $self->_write(%m));
	return { map { split / /, $_, 2 } split /\n/, $out };
}

sub explain {
	my ($self, %m) = @_;
	return JSON::PP->new->utf8->decode(
		$self->run_or_die('luukku_fetch', 'explain', $self->_write(%m)));
}

sub address {
	my ($self, %arg) = @_;
	return $self->run_or_die(undef, 'address', %arg);
}

sub claim {
	my ($self, %arg) = @_;
	my $dir = "$self->{dir}/wire";
	-d $dir or mkdir $dir or -d $dir or die "$dir: $!";
	my $out = $self->run_or_die('luukku_send', 'claim',
		dir => $dir, templates => source_dir() . '/conf/templates', %arg);
	my @claims;
	for my $line (split /\n/, $out) {
		$line =~ /^claim (\d+) attempts (\d+) repeat (\d) to (\S+) from (\S+) id (\S+)$/ or die $line;
		push @claims, { id => $1, attempts => $2, repeat => $3, to => $4, from => $5,
			message_id => $6, wire => slurp("$dir/$1.eml") };
		$self->{claimed}{$1} = $claims[-1];
	}
	return @claims;
}

sub record {
	my ($self, %arg) = @_;
	return $self->run_or_die('luukku_send', 'record', %arg);
}

sub acknowledge {
	my ($self) = @_;
	my @claims = $self->claim;
	$self->record(id => $_->{id}, attempts => $_->{attempts}, outcome => 'sent') for @claims;
	return @claims;
}

sub row {
	my ($self, $sql) = @_;
	my ($row) = $self->{db}->sql($sql);
	return $row ? @$row : ();
}

sub events {
	my ($self, $ticket) = @_;
	my $where = $ticket ? "ticket_id = $ticket" : 'ticket_id IS NULL';
	return map { "$_->[0]: $_->[1]" }
		$self->{db}->sql("SELECT event, reason FROM event WHERE $where ORDER BY id");
}

1;
