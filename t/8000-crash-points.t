#!/usr/bin/perl

# Every moment between a mail on the server and its acknowledgement on the way: the desk dies there
# by SIGKILL, starts again, and must end with the same tables and the same mails out as a desk that
# nobody disturbed. A mail out may repeat only where SMTP leaves it open whether the server took it,
# and then with the same Message-ID and bytes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Luukku::Test::Base qw(slurp);
use Luukku::Test::Desk qw(mail header);
use MIME::Base64 ();
use Test::More;

# Between the final dot and the committed record of its answer.
my $uncertain = qr/^(?:smtp\.answered|send\.before-record|outbox\.recorded)$/;

my $desk = Luukku::Test::Desk->start;
my $date = 'Fri, 20 Nov 2026 09:00:00 +0000';
my $at = 1795165200;
my $received = "Received: from client.example by mx.example.fi with ESMTPS; $date\n";
my @mails = (
	['ict', mail(from => 'Aino Virtanen <aino.virtanen@sairaala.example>', subject => 'Tulostin jumissa',
		id => 'c1@sairaala.example', date => $date, headers => $received)],
	['ict', mail(from => 'Sven Berg <sven@kund.example>', subject => 'Skrivaren', id => 'c2@kund.example',
		date => $date, headers => $received . qq{Content-Type: multipart/mixed; boundary="b"\n},
		text => "--b\nContent-Type: text/plain; charset=utf-8\n\nHej, se bilagan. Skrivaren i korridoren fungerar inte alls i dag.\n"
			. "--b\nContent-Type: application/pdf; name=\"fel.pdf\"\nContent-Transfer-Encoding: base64\n"
			. "Content-Disposition: attachment; filename=\"fel.pdf\"\n\n"
			. MIME::Base64::encode(join '', map { chr($_ % 251) } 1 .. 600_000) . "--b--\n")],
	['ict', mail(from => 'vacation@asiakas.example', subject => 'Poissa: Re: jotain', id => 'c3@asiakas.example',
		date => $date, headers => $received . "Auto-Submitted: auto-replied\n")],
	['ict', mail(from => 'monitor@valvonta.example', subject => 'DISK FULL on db7', id => 'c4@valvonta.example',
		date => $date, headers => $received . "Auto-Submitted: auto-generated\n")],
	['ict', mail(from => 'list@uutiset.example', subject => 'Uutiskirje', id => 'c5@uutiset.example',
		date => $date, headers => $received . "List-Id: <uutiset.example>\nPrecedence: list\n")],
	['ict', mail(from => 'Ada <ada@asiakas.example>', to => 'ict@example.fi, hr@example.fi', subject => 'Kahteen paikkaan',
		id => 'c6@asiakas.example', date => $date, headers => $received,
		text => "Hei,\n\ntulostin numero 6 ei tulosta. Voitteko auttaa?\n")],
	['hr', mail(from => 'Ada <ada@asiakas.example>', to => 'ict@example.fi, hr@example.fi', subject => 'Kahteen paikkaan',
		id => 'c6@asiakas.example', date => $date, headers => $received, text => "Hei,\n\ntulostin numero 6 ei tulosta. Voitteko auttaa?\n")],
	['hr', mail(from => 'Eve <eve@customer.example>', to => 'hr@example.fi', subject => 'My payslip',
		id => 'c7@customer.example', date => $date, headers => $received)]);

sub fill {
	$desk->start_over;
	$desk->deliver($_->[0], $_->[1], at => $at) for @mails;
	return;
}

# One passing of the whole desk. Dies only when nothing can be judged.
sub run_desk {
	my (%env) = @_;
	return $desk->once(env => \%env);
}

# The tables without what may differ from run to run: numbers, times, counters of attempts.
sub tables {
	my %sql = (
		ticket => q{SELECT t.subject, t.status, t.queue, t.language, t.priority, t.is_machine, p.address, t.opened_at
			FROM ticket t LEFT JOIN person p ON p.id = t.requester_id},
		message => q{SELECT m.direction, m.kind, m.evidence, m.writer, m.from_address, t.subject,
			CASE m.direction WHEN 'in' THEN m.message_id END, length(m.text) > 0, m.raw_size
			FROM message m LEFT JOIN ticket t ON t.id = m.ticket_id},
		# Of two copies of one mail either may come first.
		arrival => q{SELECT m.message_id, string_agg(a.outcome, ' ' ORDER BY a.outcome),
			string_agg(a.mailbox || ' ' || a.server || ' ' || a.server_action, ' ' ORDER BY a.mailbox)
			FROM arrival a LEFT JOIN message m ON m.id = a.message_id GROUP BY m.message_id},
		event => q{SELECT t.subject, e.event, e.actor FROM event e LEFT JOIN ticket t ON t.id = e.ticket_id},
		attachment => q{SELECT m.message_id, a.n, a.filename, a.size, b.hash FROM attachment a
			JOIN message m ON m.id = a.message_id JOIN blob b ON b.id = a.blob_id},
		chunks => q{SELECT b.hash, b.size, sum(octet_length(c.data)) FROM blob b LEFT JOIN blob_chunk c ON c.blob_id = b.id
			GROUP BY b.id},
		outbox => q{SELECT t.subject, o.recipient, o.template, o.state FROM outbox o LEFT JOIN ticket t ON t.id = o.ticket_id},
		participant => q{SELECT t.subject, p.address, a.role FROM participant a JOIN ticket t ON t.id = a.ticket_id
			JOIN person p ON p.id = a.person_id},
		stage => q{SELECT t.subject, s.status, s.queue, s.to_at IS NULL FROM stage s JOIN ticket t ON t.id = s.ticket_id},
		identifier => q{SELECT t.subject, encode(i.hash, 'hex') FROM identifier i JOIN ticket t ON t.id = i.ticket_id
			JOIN message m ON m.id = i.message_id WHERE m.direction = 'in'},
		quarantine => q{SELECT m.message_id, q.reason, q.state FROM quarantine q JOIN message m ON m.id = q.message_id},
		person => q{SELECT address FROM person});
	my @out;
	for my $table (sort keys %sql) {
		my @rows = $desk->db->sql($sql{$table});
		push @out, sort map { join '|', $table, map { $_ // '' } @$_ } @rows;
	}
	return join "\n", @out;
}

sub folders {
	my ($dovecot) = $desk->dovecot;
	return join ' ', map { "$_->[0]/$_->[1]=" . $dovecot->count(@$_, live => 1) }
		['ict@example.fi', 'INBOX'], ['ict@example.fi', 'Luukku/Done'], ['ict@example.fi', 'Luukku/Failed'],
		['hr@example.fi', 'INBOX'];
}

# The mails out: how often each recipient got how many different ones, and what is wrong.
sub mails_out {
	my (%seen, %per_recipient, @wrong, $repeats);
	$repeats = 0;
	for my $mail ($desk->smtp->mails) {
		my $id = header($mail->{data}, 'Message-ID');
		my $recipient = join ',', @{ $mail->{rcpt} };
		my $key = "$recipient $id";
		if (!exists $seen{$key}) {
			$seen{$key} = $mail->{data};
			$per_recipient{$recipient}++;
			next;
		}
		$repeats++;
		push @wrong, "$recipient got $id twice with different bytes" if $seen{$key} ne $mail->{data};
	}
	return (join(' ', map { "$_=$per_recipient{$_}" } sort keys %per_recipient), $repeats, \@wrong);
}

fill();
my $faults = $desk->scratch('undisturbed');
my $done = run_desk(LUUKKU_FAULT_DIR => $faults);
is $done->{status}, 0, 'the undisturbed run ends well' or diag $done->{out} . $done->{err};
my ($want_out, $repeats, $wrong) = mails_out();
my ($want_tables, $want_folders) = (tables(), folders());
is $repeats, 0, 'nothing is sent twice when nothing happens';
like $want_out, qr/aino\.virtanen.*=1/, 'acknowledgements went out';
unlike $want_out, qr/vacation|monitor|uutiset/, 'and none to machines and lists';
is scalar $desk->db->sql(q{SELECT count(*) FROM ticket}), 5, 'five tickets from eight mails';

my %count;
$count{ (split ' ')[1] }++ for split /\n/, slurp("$faults/passed");
my @points = sort keys %count;
cmp_ok scalar @points, '>', 10, 'there are ' . @points . ' fault points';

# A second run over the same desk must change nothing.
$done = run_desk();
is $done->{status}, 0, 'another run ends well';
is tables(), $want_tables, 'and changes nothing';

my $n = 0;
for my $point (@points) {
	# One in the middle of things; all of them in a long run.
	my @passings = $ENV{LUUKKU_LONG} ? 1 .. $count{$point} : 1 + int($count{$point} / 2);
	for my $passing (@passings) {
		subtest "$point, passing $passing of $count{$point}" => sub {
			fill();
			my $dir = $desk->scratch('fault' . ++$n);
			run_desk(LUUKKU_FAULT_DIR => $dir, LUUKKU_FAULT => "$point:$passing");
			ok -e "$dir/killed", 'it died there';
			# The claim of a dead sender runs out by the database's clock.
			$desk->db->sql(q{UPDATE outbox SET claimed_until = now() - interval '1 second' WHERE state = 'sending'});
			$desk->db->sql(q{UPDATE outbox SET due_at = created_at WHERE state IN ('uncertain', 'retry')});
			my $again = run_desk();
			is $again->{status}, 0, 'the next start recovers' or diag $again->{out} . $again->{err};
			is tables(), $want_tables, 'same tables';
			is folders(), $want_folders, 'same folders';
			my ($out, $repeated, $bad) = mails_out();
			is $out, $want_out, 'same mails out';
			is_deeply $bad, [], 'repetitions are the same to the byte';
			if ($point =~ $uncertain) {
				cmp_ok $repeated, '<=', 1, 'at most the uncertain one repeats';
			}
			else {
				is $repeated, 0, 'none repeats';
			}
		};
	}
}
$desk->down;
done_testing;
