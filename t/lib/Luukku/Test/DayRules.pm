package Luukku::Test::DayRules;

# What may not happen at a desk, whatever people do: broken($day) gives sentences, none if all is well.
# $day is a Luukku::Test::Days.

use strict;
use warnings;
use Luukku::Test::Base qw(slurp);
use Luukku::Test::Days;
use Luukku::Test::Leaks;

my %customer = map { $_ => 1 } @Luukku::Test::Days::customers;
my %supplier = map { $_ => 1 } @Luukku::Test::Days::suppliers;
my %consulted = map { $_ => 1 } @Luukku::Test::Days::consulted;
my %robot = map { $_ => 1 } @Luukku::Test::Days::robots;

# Kinds of words that people of a kind may read, where they may read of the matter at all.
my %may = (
	customer => { map { $_ => 1 } qw(customer answer stranger robot any) },
	supplier => { map { $_ => 1 } qw(customer answer stranger robot any supplier to_supplier) },
	consulted => { map { $_ => 1 } qw(customer answer stranger robot any consulted to_consulted) },
);

# [what is wrong, query that finds it]
my @queries = (
	['a mail without its message', 'SELECT id FROM arrival WHERE message_id IS NULL'],
	['a mail on the server that was taken twice', 'SELECT min(id) FROM arrival GROUP BY mailbox, folder, uidvalidity, uid HAVING count(*) > 1'],
	['a gap between the stages of a ticket', 'SELECT ticket_id FROM (SELECT ticket_id, from_at, lag(to_at) OVER w AS was, row_number() OVER w AS n FROM stage
		WINDOW w AS (PARTITION BY ticket_id ORDER BY id)) AS s WHERE n > 1 AND was IS DISTINCT FROM from_at'],
	['a ticket without a current stage of its own status and queue', 'SELECT t.id FROM ticket t LEFT JOIN stage s ON s.ticket_id = t.id AND s.to_at IS NULL
		WHERE s.status IS DISTINCT FROM t.status OR s.queue IS DISTINCT FROM t.queue'],
	['a ticket whose first stage does not begin when it was opened', 'SELECT t.id FROM ticket t WHERE t.opened_at IS DISTINCT FROM (SELECT s.from_at FROM stage s WHERE s.ticket_id = t.id ORDER BY s.id LIMIT 1)'],
	# The desk is open all the time, so that open seconds are seconds.
	['a stage that has ended without its open seconds', 'SELECT ticket_id FROM stage WHERE to_at IS NOT NULL AND abs(business_seconds - extract(epoch FROM to_at - from_at)) IS DISTINCT FROM
		least(abs(business_seconds - extract(epoch FROM to_at - from_at)), 1)'],
	['a clock that stands still or goes against its status', "SELECT id FROM ticket WHERE clocked_at IS NOT NULL AND (paused_at IS NOT NULL) <> (status = 'waiting_customer')"],
	['a due time that is not the target and the waits', "SELECT t.id FROM ticket t CROSS JOIN LATERAL (SELECT coalesce(sum(s.to_at - s.from_at), interval '0') AS paused FROM stage s
		WHERE s.ticket_id = t.id AND s.to_at IS NOT NULL AND s.status IN ('waiting_customer', 'resolved', 'closed', 'junk', 'merged')) AS w
		WHERE t.status IN ('new', 'open', 'waiting_supplier', 'on_hold') AND t.clocked_at IS NOT NULL AND abs(extract(epoch FROM t.due_resolve - t.opened_at - w.paused
			- CASE t.priority WHEN 'urgent' THEN 4 WHEN 'high' THEN 8 WHEN 'normal' THEN 40 ELSE 80 END * interval '1 hour')) >= 5"],
	['a target that passed twice, or was warned of twice', "SELECT ticket_id FROM event WHERE event ~ '^sla_' GROUP BY ticket_id, event HAVING count(*) > 1"],
	['a target that nobody watches', "SELECT t.id FROM ticket t WHERE t.status IN ('new', 'open', 'waiting_supplier', 'on_hold') AND NOT t.is_silent
		AND NOT EXISTS (SELECT FROM timer r WHERE r.ticket_id = t.id AND r.kind = 'sla_resolve_breach' AND r.due_at = t.due_resolve)
		AND NOT EXISTS (SELECT FROM event e WHERE e.ticket_id = t.id AND e.event = 'sla_resolve_breach')"],
	['a target that is watched and need not be', "SELECT t.id FROM ticket t JOIN timer r ON r.ticket_id = t.id AND r.kind ~ '^sla_'
		WHERE t.status NOT IN ('new', 'open', 'waiting_supplier', 'on_hold') OR r.kind ~ 'respond' AND t.first_response_at IS NOT NULL"],
	['a ticket that nothing will close', "SELECT t.id FROM ticket t WHERE t.status = 'resolved'
		AND NOT EXISTS (SELECT FROM timer r WHERE r.ticket_id = t.id AND r.kind = 'close_after' AND r.due_at = t.resolved_at + interval '7 days')"],
	['a ticket whose day will not come', "SELECT t.id FROM ticket t WHERE t.status = 'on_hold' AND NOT EXISTS (SELECT FROM timer r WHERE r.ticket_id = t.id AND r.kind = 'wait_until' AND r.due_at >= t.waiting_until)"],
	['an end that is not when the stage of it began', "SELECT t.id FROM ticket t JOIN stage s ON s.ticket_id = t.id AND s.to_at IS NULL
		WHERE t.status = 'resolved' AND t.resolved_at <> s.from_at OR t.status = 'closed' AND t.closed_at <> s.from_at"],
	['a wait for the customer that nothing will end', "SELECT t.id FROM ticket t JOIN person p ON p.id = t.requester_id WHERE t.status = 'waiting_customer' AND NOT t.is_machine
		AND NOT EXISTS (SELECT FROM timer r WHERE r.ticket_id = t.id AND r.kind = 'customer_reminder')"],
	['a count of reopenings that the history does not have', "SELECT id FROM ticket t WHERE reopened <> (SELECT count(*) FROM event e WHERE e.ticket_id = t.id AND e.detail ->> 'from' IN ('resolved', 'closed')
		AND e.event IN ('reopened', 'status') AND e.detail ->> 'to' IN ('new', 'open', 'waiting_customer', 'waiting_supplier', 'on_hold'))"],
	['a timer of a merged ticket', "SELECT t.id FROM ticket t JOIN timer r ON r.ticket_id = t.id WHERE t.status = 'merged'"],
	['a timer of another status', 'SELECT t.id FROM ticket t JOIN timer r ON r.ticket_id = t.id WHERE r.status IS NOT NULL AND r.status <> t.status'],
	['a merged ticket without another, or one that is not merged with one', "SELECT id FROM ticket WHERE (status = 'merged') <> (merged_into IS NOT NULL)"],
	['tickets merged in a ring or into themselves', 'WITH RECURSIVE way AS (SELECT id AS start, merged_into AS at, 1 AS n FROM ticket WHERE merged_into IS NOT NULL
		UNION ALL SELECT w.start, t.merged_into, n + 1 FROM way w JOIN ticket t ON t.id = w.at WHERE t.merged_into IS NOT NULL AND n < 50) SELECT start FROM way WHERE at = start OR n >= 50'],
	['a ticket that waits for its customer, who was asked nothing', "SELECT t.id FROM ticket t WHERE t.status = 'waiting_customer' AND NOT EXISTS (SELECT 1 FROM outbox o
		WHERE o.purpose = 'customer' AND o.template IN ('reply', 'resolution') AND o.state NOT IN ('cancelled', 'suppressed')
		AND (o.ticket_id = t.id OR o.ticket_id IN (SELECT other_id FROM ticket_link WHERE ticket_id = t.id UNION SELECT ticket_id FROM ticket_link WHERE other_id = t.id)))"],
	['a ticket that was acknowledged twice to one address', "SELECT ticket_id FROM outbox WHERE template = 'acknowledgement' AND state NOT IN ('cancelled', 'suppressed')
		GROUP BY ticket_id, recipient_hash HAVING count(*) > 1"],
	['words of one mail that went to one customer twice', "SELECT min(ticket_id) FROM outbox WHERE purpose = 'customer' AND template IN ('reply', 'resolution')
		AND state NOT IN ('cancelled', 'suppressed') GROUP BY cause_id, recipient_hash HAVING count(*) > 1"],
	['a mail that could not be made or was not sent', "SELECT id FROM outbox WHERE state IN ('failed', 'uncertain')"],
	['a job that failed', 'SELECT id FROM timer WHERE error IS NOT NULL OR attempts > 0'],
	['a status that its columns do not fit', "SELECT id FROM ticket WHERE (status IN ('resolved', 'closed') AND resolved_at IS NULL AND closed_at IS NULL)
		OR (status = 'waiting_customer' AND waiting_on IS DISTINCT FROM 'customer') OR (status NOT IN ('waiting_customer', 'waiting_supplier', 'on_hold') AND waiting_on IS NOT NULL)"],
);

sub broken {
	my ($day) = @_;
	my @broken;
	my %rows;
	# One query: each costs a start of psql.
	push @{ $rows{ $_->[0] } }, $_->[1] for $day->{db}->sql(join ' UNION ALL ', map { "(SELECT $_ AS q, x.* FROM ($queries[$_][1]) AS x (id))" } 0 .. $#queries);
	push @broken, "$queries[$_][0]: @{ $rows{$_} }" for sort { $a <=> $b } keys %rows;
	push @broken, arrivals($day), words($day), answers($day);
	return @broken;
}

sub arrivals {
	my ($day) = @_;
	my $n = $day->{db}->sql('SELECT count(*) FROM arrival');
	return "there are $n arrivals of " . @{ $day->{taken} } . ' mails' if $n != @{ $day->{taken} };
	return;
}

# { message => { tickets => {..}, people => {..}, queues => {..}, asked => {..} } }: where a message is
# and was, and who has to do with that.
sub matters {
	my ($day) = @_;
	my $db = $day->{db};
	my (%now, %people, %queues, %team, %merged);
	my @rows = $db->sql(q{SELECT 'now', id, ticket_id::text FROM message WHERE ticket_id IS NOT NULL
		UNION ALL SELECT 'people', c.ticket_id, lower(p.address) FROM participant c JOIN person p ON p.id = c.person_id
		UNION ALL SELECT 'people', t.id, lower(p.address) FROM ticket t JOIN person p ON p.id = t.requester_id
		UNION ALL SELECT DISTINCT 'queues', ticket_id, queue FROM stage
		UNION ALL SELECT 'team', ticket_id, address FROM consultation UNION ALL SELECT 'team', id, owner FROM ticket WHERE owner IS NOT NULL
		UNION ALL SELECT 'merged', id, merged_into::text FROM ticket WHERE merged_into IS NOT NULL
		UNION ALL SELECT 'run', message_id, '' FROM held_command WHERE state = 'run'});
	my %of = (now => \%now, people => \%people, queues => \%queues, team => \%team, run => {});
	for my $row (@rows) {
		$row->[0] eq 'merged' ? $merged{ $row->[1] } = $row->[2] : ($of{ $row->[0] }{ $row->[1] }{ $row->[2] } = 1);
	}
	for my $word (values %{ $day->{words} }) {
		$now{ $word->{message} }{ $word->{ticket} } = 1 if $word->{message} && $word->{ticket};
	}
	my %all;
	for my $message (keys %now) {
		my @tickets = keys %{ $now{$message} };
		for my $ticket (@tickets) {
			push @tickets, $merged{$ticket} if $merged{$ticket} && !grep { $_ eq $merged{$ticket} } @tickets;
		}
		$all{$message} = { map { my $of = $_; map { $_ => 1 } map { keys %{ $of->{$_} // {} } } @tickets } \%people, \%queues, \%team };
	}
	return (\%all, $of{run}, \%people);
}

sub words {
	my ($day) = @_;
	my $from = $day->{checked} // 0;
	my @mails = @{ $day->{mails} }[$from .. $#{ $day->{mails} }];
	$day->{checked} = @{ $day->{mails} };
	my ($matters, $run, $people) = matters($day);
	my @broken;
	for my $mail (@mails) {
		my $to = $mail->{to};
		push @broken, "the robot $to got \"$mail->{subject}\"" if $robot{$to} && $mail->{data} =~ /^Auto-Submitted/mi;
		my $kind = $supplier{$to} ? 'supplier' : $consulted{$to} ? 'consulted' : $Luukku::Test::Days::agents{$to} ? 'agent' : 'customer';
		for my $word (map { $day->{words}{$_} } @{ $mail->{words} }) {
			my $matter = $matters->{ $word->{message} // 0 } // {};
			my %told = map { $_ => 1 } map { keys %{ $matters->{$_} // {} } } @{ $word->{told} // [] };
			my $what = "$to ($kind) got $word->{word} ($word->{kind}, by $word->{by}) in \"$mail->{subject}\"";
			next if $word->{by} eq $to && $word->{kind} ne 'header';
			push(@broken, "$what: nobody may read that") if $word->{kind} eq 'header';
			if ($kind eq 'agent') {
				# A mail to both teams is told to both.
				my $sees = grep { $told{$_} || $word->{to} =~ /\b$_@/ } $to, @{ $Luukku::Test::Days::agents{$to} };
				push @broken, "$what: not of the agent's queues" if !$sees && $word->{ticket};
				next;
			}
			next if $word->{kind} eq 'header';
			my $is_allowed = $word->{kind} eq 'forged' ? $run->{ $word->{message} } : $may{$kind} && $may{$kind}{ $word->{kind} };
			push @broken, "$what: not for people of that kind" if !$is_allowed;
			push @broken, "$what: it is not their matter" if $kind eq 'customer' && $is_allowed && !$matter->{$to};
		}
	}
	my $leaks = Luukku::Test::Leaks::find(db => $day->{db}, conf => slurp($day->{desk}->conf), mails => [map { { rcpt => [$_->{to}], data => $_->{data} } } @mails]);
	# An agent who is somebody's customer is shown to the others who are.
	return @broken, grep { !(/^(\S+) got the address (\S+)/ && is_together($people, $1, $2)) } @{ $leaks->{found} };
}

sub is_together {
	my ($people, @two) = @_;
	return scalar grep { $_->{ $two[0] } && $_->{ $two[1] } } values %$people;
}

# What an agent answered, proven and without a line, is in the outbox or was taken back.
sub answers {
	my ($day) = @_;
	my %plain = map { $_->{message} => $_ } grep { $_->{is_plain} && $_->{outcome} eq 'ticket' } @{ $day->{taken} };
	return if !%plain;
	return map { "the answer of $_->[1] on ticket $_->[2] went to nobody" } $day->{db}->sql("SELECT m.id, m.from_address, m.ticket_id FROM message m
		WHERE m.id IN (@{[ join ',', sort keys %plain ]}) AND m.direction = 'out' AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.cause_id = m.id AND o.purpose = 'customer')");
}

1;
