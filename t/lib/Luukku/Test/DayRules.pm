package Luukku::Test::DayRules;

# What may not happen at a desk, whatever people do: broken($day) gives sentences, none if all is well.
# $day is a Luukku::Test::Days.

use strict;
use warnings;
use Luukku::Test::Base qw(slurp);
use Luukku::Test::Days;
use Luukku::Test::Leaks;
use Luukku::Test::Mail;

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
	['an end that is not when a stage of it began', "SELECT t.id FROM ticket t WHERE t.status IN ('resolved', 'closed') AND NOT EXISTS (SELECT FROM stage s WHERE s.ticket_id = t.id
		AND s.status = t.status AND s.from_at = CASE t.status WHEN 'resolved' THEN t.resolved_at ELSE t.closed_at END)"],
	['a wait for the customer that nothing will end', "SELECT t.id FROM ticket t JOIN person p ON p.id = t.requester_id WHERE t.status = 'waiting_customer' AND NOT t.is_machine
		AND NOT EXISTS (SELECT FROM timer r WHERE r.ticket_id = t.id AND r.kind = 'customer_reminder')"],
	['a count of reopenings that the history does not have', "SELECT id FROM ticket t WHERE reopened <> (SELECT count(*) FROM event e WHERE e.ticket_id = t.id AND e.detail ->> 'from' IN ('resolved', 'closed')
		AND e.reason IS DISTINCT FROM 'taken back (#undo)' AND e.event IN ('reopened', 'status') AND e.detail ->> 'to' IN ('new', 'open', 'waiting_customer', 'waiting_supplier', 'on_hold'))"],
	['a timer of a merged ticket', "SELECT t.id || ' ' || r.kind FROM ticket t JOIN timer r ON r.ticket_id = t.id WHERE t.status = 'merged' AND r.kind NOT IN ('delivery_failed', 'survey_answer')"],
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
		AND cause_id IS NOT NULL AND state NOT IN ('cancelled', 'suppressed') GROUP BY cause_id, recipient_hash, ticket_id HAVING count(*) > 1"],
	['a mail that could not be made', "SELECT id FROM outbox WHERE state = 'failed' AND last_code IS DISTINCT FROM 550 AND NOT EXISTS (SELECT FROM delivery d WHERE d.outbox_id = outbox.id AND d.state = 'bounced')"],
	['an arrival on a ticket without a message on one', "SELECT a.id FROM arrival a JOIN message m ON m.id = a.message_id WHERE a.outcome = 'ticket' AND (a.ticket_id IS NULL OR m.ticket_id IS NULL)"],
	['an arrival without a reason', "SELECT id FROM arrival WHERE reason = ''"],
	['a mail in quarantine without its row, or a row of another', "SELECT m.id FROM message m WHERE EXISTS (SELECT FROM arrival a WHERE a.message_id = m.id AND a.outcome = 'quarantine') <>
		EXISTS (SELECT FROM quarantine q WHERE q.message_id = m.id)"],
	['a mail on no ticket, in no quarantine, that is no control mail', "SELECT m.id FROM message m WHERE m.ticket_id IS NULL AND NOT EXISTS (SELECT FROM arrival a WHERE a.message_id = m.id
		AND a.outcome IN ('control', 'quarantine')) AND NOT EXISTS (SELECT FROM outbox o WHERE o.message_id = m.id)"],
	['a ticket that was answered or ended before it was opened', 'SELECT id FROM ticket WHERE least(first_response_at, resolved_at, closed_at) < opened_at'],
	['a change of status from another one than it was', "SELECT id FROM (SELECT id, detail ->> 'from' AS was, lag(detail ->> 'to') OVER (PARTITION BY ticket_id ORDER BY id) AS before FROM event
		WHERE event IN ('status', 'reopened') AND detail ? 'to') AS e WHERE before IS NOT NULL AND was IS DISTINCT FROM before"],
	['a status that no event tells', "SELECT t.id FROM ticket t JOIN LATERAL (SELECT e.detail ->> 'to' AS told FROM event e WHERE e.ticket_id = t.id AND e.event IN ('status', 'reopened')
		AND e.detail ? 'to' ORDER BY e.id DESC LIMIT 1) AS e ON true WHERE e.told <> t.status"],
	['a mail that came to a ticket after it was merged', "SELECT m.id FROM message m JOIN ticket t ON t.id = m.ticket_id JOIN stage s ON s.ticket_id = t.id AND s.to_at IS NULL
		JOIN arrival a ON a.message_id = m.id AND a.outcome = 'ticket' WHERE t.status = 'merged' AND a.fetched_at > s.from_at"],
	['a customer of a ticket who does not take part in it', 'SELECT t.id FROM ticket t WHERE t.requester_id IS NOT NULL AND NOT EXISTS (SELECT FROM participant p WHERE p.ticket_id = t.id AND p.person_id = t.requester_id)'],
	['one mail twice for one cause', "SELECT min(id) || ' (' || template || ')' FROM outbox WHERE cause_id IS NOT NULL AND state NOT IN ('cancelled', 'suppressed') GROUP BY cause_id, template, recipient_hash, ticket_id, created_at, variables - 'also' HAVING count(*) > 1"],
	['one mail twice at one time', "SELECT min(id) || ' (' || template || ')' FROM outbox WHERE cause_id IS NULL AND state NOT IN ('cancelled', 'suppressed') GROUP BY template, recipient_hash, ticket_id, queue, created_at, variables HAVING count(*) > 1"],
	['a reminder to a customer for whose answer nobody waits', "SELECT o.id FROM outbox o WHERE o.template IN ('customer-reminder', 'closed-unanswered') AND NOT EXISTS (SELECT FROM stage s
		WHERE s.ticket_id = o.ticket_id AND s.status = 'waiting_customer' AND s.from_at <= o.created_at AND (coalesce(s.to_at, 'infinity') >= o.created_at
		OR o.template = 'closed-unanswered' AND EXISTS (SELECT FROM stage c WHERE c.ticket_id = o.ticket_id AND c.status = 'closed' AND c.from_at = s.to_at)))"],
	['a reminder to a supplier for whom nobody waits', "SELECT o.id FROM outbox o WHERE o.template = 'supplier-reminder' AND NOT EXISTS (SELECT FROM stage s
		WHERE s.ticket_id = o.ticket_id AND s.status = 'waiting_supplier' AND s.from_at <= o.created_at AND coalesce(s.to_at, 'infinity') >= o.created_at)"],
	['a customer who was told twice a day how it goes', "SELECT min(id) FROM outbox WHERE template = 'progress' AND state NOT IN ('cancelled', 'suppressed')
		GROUP BY ticket_id, recipient_hash, (created_at AT TIME ZONE 'Europe/Helsinki')::date HAVING count(*) > 1"],
	['a survey about spam or what was merged', "SELECT s.id FROM survey s JOIN stage g ON g.ticket_id = s.ticket_id WHERE g.status IN ('junk', 'merged')
		AND g.from_at < s.sent_at AND coalesce(g.to_at, 'infinity') > s.sent_at"],
	['a question to a colleague that is open on a ticket that has ended', "SELECT c.id FROM consultation c JOIN ticket t ON t.id = c.ticket_id JOIN stage s ON s.ticket_id = t.id AND s.to_at IS NULL
		WHERE c.ended_at IS NULL AND c.at < s.from_at AND t.status IN ('resolved', 'closed', 'junk', 'merged')"],
	['a job that failed', 'SELECT id FROM timer WHERE error IS NOT NULL OR attempts > 0'],
	['a status that its columns do not fit', "SELECT id FROM ticket WHERE (status IN ('resolved', 'closed') AND resolved_at IS NULL AND closed_at IS NULL)
		OR (status = 'waiting_customer' AND waiting_on IS DISTINCT FROM 'customer') OR (status NOT IN ('waiting_customer', 'waiting_supplier', 'on_hold') AND waiting_on IS NOT NULL)"],
);

sub broken {
	my ($day) = @_;
	my @broken;
	my %rows;
	# One query: each costs a start of psql.
	push @{ $rows{ $_->[0] } }, $_->[1] for $day->{db}->sql(join ' UNION ALL ', map { "(SELECT $_ AS q, x.id::text FROM ($queries[$_][1]) AS x (id))" } 0 .. $#queries);
	push @broken, "$queries[$_][0]: @{ $rows{$_} }" for sort { $a <=> $b } keys %rows;
	push @broken, arrivals($day), idle($day), owners($day), explained($day), repeats($day), words($day), answers($day);
	return @broken;
}

sub arrivals {
	my ($day) = @_;
	my $n = $day->{db}->sql('SELECT count(*) FROM arrival');
	return "there are $n arrivals of " . @{ $day->{taken} } . ' mails' if $n != @{ $day->{taken} };
	return;
}

# After a night in which nothing came, all that was due is done and sent.
sub idle {
	my ($day) = @_;
	return if !$day->{is_idle};
	my $now = Luukku::Test::Days::stamp($day->{now});
	return map { "$_->[0] $_->[1] was due, and is not done" } $day->{db}->sql("SELECT 'the job ' || kind, id FROM timer WHERE due_at <= '$now'
		UNION ALL SELECT 'the mail ' || template, id FROM outbox WHERE state IN ('queued', 'sending', 'retry', 'uncertain') AND due_at <= '$now'");
}

# Who is not there any more hears nothing; an open ticket belongs to somebody who serves its queue.
sub owners {
	my ($day) = @_;
	my @broken;
	for my $who (sort keys %{ $day->{gone} }) {
		my $since = Luukku::Test::Days::stamp($day->{gone}{$who});
		push @broken, map { "$who, who left, gets the $_->[1] $_->[0]" } $day->{db}->sql("SELECT id, template FROM outbox
			WHERE recipient = '$who' AND created_at > '$since' AND purpose <> 'customer' AND state NOT IN ('cancelled', 'suppressed')");
	}
	my %serves = map { my $who = $_; map { ("$who $_" => 1) } @{ $Luukku::Test::Days::agents{$who} } } keys %Luukku::Test::Days::agents;
	return @broken, map { "ticket $_->[0] in the queue $_->[1] belongs to $_->[2]" } grep { !$serves{"$_->[2] $_->[1]"} && $_->[2] ne 'mari@example.fi' }
		$day->{db}->sql("SELECT id, queue, owner FROM ticket WHERE owner IS NOT NULL AND status NOT IN ('resolved', 'closed', 'junk', 'merged')");
}

# What explain said of a mail from outside is what then happened to it.
sub explained {
	my ($day) = @_;
	my @new = grep { $_->{explained} && !$_->{is_checked}++ } @{ $day->{taken} };
	return if !@new;
	my %sent;
	my $when = join ', ', map { sprintf "(%d, '%s')", $_->{message}, Luukku::Test::Days::stamp($_->{at}) } @new;
	push @{ $sent{ $_->[0] } }, "$_->[1] to $_->[2]" for $day->{db}->sql("SELECT cause_id, template, recipient FROM outbox WHERE (cause_id, created_at) IN ($when)");
	# Words that mend refused ones and are held: what asks about them is about the older mail.
	my %mended = map { ("$_->[0] answer to $_->[1]" => 1) } $day->{db}->sql("SELECT extract(epoch FROM h.at)::bigint, h.agent FROM outbox o JOIN held_command h ON h.message_id = o.cause_id
		AND h.agent = o.recipient AND h.at = o.created_at WHERE o.template = 'held' AND h.kind <> 'refused' AND (o.cause_id, h.at) NOT IN ($when)");
	my @broken;
	for my $took (@new) {
		my $said = $took->{explained};
		next if $took->{outcome} eq 'duplicate';
		my $id = Luukku::Test::Mail::header($took->{mail}, 'Message-ID') // '(none)';
		my $is_agents = $said->{authority};
		my $ref = $took->{ticket} ? "TUKI-$took->{ticket}" : '';
		# An agent's lines without words are no message on the ticket that they are about.
		my $does = $said->{joins} && ($took->{outcome} eq 'ticket' || $is_agents) ? "$took->{outcome} $ref" : $took->{outcome};
		my $says = defined $said->{quarantine} ? 'quarantine' : $said->{joins} ? "ticket $said->{ticket}" : defined $said->{queue} ? 'ticket' : 'control';
		$does =~ s/^control (?=TUKI)/ticket / if $is_agents;
		push @broken, "explain says $says of a mail that becomes $does: $id" if $says ne $does;
		my @say = map { "$_->{template} to $_->{to}" } @{ $said->{mails} };
		my @do = @{ $sent{ $took->{message} } // [] };
		# Whether the lines can be run, and what they send to others, is seen when they are.
		# What stands against an agent's words, or a link, is seen when it is run.
		if ($is_agents) {
			my $is_open = grep { /^(?:reply|resolution) / } @say;
			@$_ = map { s/^(?:command-error|receipt|held)/answer/r } grep { /^(?:acknowledgement|command-error|receipt|refused|held) / && !($is_open && /^(?:command|receipt|held)/) } @$_
				for \@say, \@do;
			push @do, grep { $mended{"$took->{at} $_"} } @say if !grep { /^answer / } @do;
			# The answer to a link may be about the mail that was held.
			@$_ = grep { !/^(?:answer|refused) / } @$_ for $said->{reason} eq 'an action link' ? (\@say, \@do) : ();
		}
		my ($is, $was) = map { join ', ', sort @$_ } \@say, \@do;
		push @broken, "explain says that \"$is\" would be sent, and \"$was\" was: $id" if $is ne $was;
	}
	return @broken;
}

# A mail goes once; where nobody knows whether it went, again, as it was.
sub repeats {
	my ($day) = @_;
	my @broken;
	for my $outbox (sort { $a <=> $b } keys %{ $day->{sent} }) {
		my @all = @{ $day->{sent}{$outbox} };
		push @broken, "the mail $outbox went out " . @all . ' times' if @all > 1 && !$day->{may_repeat}{$outbox} && !$day->{was_killed};
		push @broken, "the mail $outbox went out with other bytes than before" if grep { $_ ne $all[0] } @all;
	}
	return @broken;
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
		UNION ALL SELECT DISTINCT 'beside', ticket_id, detail ->> 'queue' FROM event WHERE event = 'also_addressed' AND detail ? 'queue'
		UNION ALL SELECT 'run', message_id, '' FROM held_command WHERE state = 'run'});
	my %of = (now => \%now, people => \%people, queues => \%queues, team => \%team, run => {}, beside => {});
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
	return (\%all, $of{run}, \%people, $of{beside});
}

sub words {
	my ($day) = @_;
	my $from = $day->{checked} // 0;
	my @mails = @{ $day->{mails} }[$from .. $#{ $day->{mails} }];
	$day->{checked} = @{ $day->{mails} };
	my ($matters, $run, $people, $beside) = matters($day);
	my @broken = map { threads($day, $_, $people) } @mails;
	for my $mail (@mails) {
		my $to = $mail->{to};
		push @broken, "the robot $to got \"$mail->{subject}\"" if $robot{$to} && $mail->{data} =~ /^Auto-Submitted/mi;
		my $kind = $supplier{$to} ? 'supplier' : $consulted{$to} ? 'consulted' : $Luukku::Test::Days::agents{$to} && !$mail->{is_gone} ? 'agent' : 'customer';
		for my $word (map { $day->{words}{$_} } @{ $mail->{words} }) {
			my $matter = $matters->{ $word->{message} // 0 } // {};
			my %told = map { $_ => 1 } map { keys %{ $matters->{$_} // {} } } @{ $word->{told} // [] };
			my $what = "$to ($kind) got $word->{word} ($word->{kind}, by $word->{by}) in \"$mail->{subject}\"";
			next if $word->{by} eq $to && $word->{kind} ne 'header';
			push(@broken, "$what: nobody may read that") if $word->{kind} eq 'header';
			push(@broken, "$what: only managers may read that") if $word->{kind} eq 'score' && $kind eq 'agent' && $to ne 'mari@example.fi';
			if ($kind eq 'agent') {
				my $title = $mail->{subject} =~ s/^.*?\[TUKI-[0-9]+\] *//r;
				# A mail to both teams is told to both.
				my $sees = grep { $told{$_} || ($word->{to} // '') =~ /\b$_@/ } $to, @{ $Luukku::Test::Days::agents{$to} };
				# As a customer of theirs an agent is told what customers are.
				$sees ||= $people->{ $mail->{ticket} }{$to} && $may{customer}{ $word->{kind} };
				# A mail to their queue too may have joined a ticket of another, whose subject its notice has.
				$sees ||= index($mail->{subject}, $word->{word}) >= 0 && index(join("\n", grep { index($_, $title) < 0 && !/mailto:/ } split /\n/, $mail->{text}), $word->{word}) < 0
					&& grep { $beside->{ $mail->{ticket} }{$_} } @{ $Luukku::Test::Days::agents{$to} };
				push @broken, "$what: not of the agent's queues" if !$sees && $word->{ticket};
				next;
			}
			next if $word->{kind} eq 'header';
			my $is_allowed = $word->{kind} eq 'forged' ? $run->{ $word->{message} } : $may{$kind} && $may{$kind}{ $word->{kind} };
			push @broken, "$what: not for people of that kind" if !$is_allowed;
			push @broken, "$what: it is not their matter" if $kind eq 'customer' && $is_allowed && !$matter->{$to};
		}
	}
	my $leaks = Luukku::Test::Leaks::find(db => $day->{db}, conf => slurp($day->{desk}->conf), inside => [keys %Luukku::Test::Days::agents, @Luukku::Test::Days::suppliers], mails => [map { { rcpt => [$_->{to}], data => $_->{data} } } @mails]);
	# An agent who is somebody's customer is shown to the others who are.
	return @broken, grep { !(/^(\S+) got the address (\S+)/ && is_together($people, $1, $2)) } @{ $leaks->{found} };
}

# Its subject, its references, and what it answers are those of its ticket and of who gets it.
sub threads {
	my ($day, $mail, $people) = @_;
	my $to = $mail->{to};
	my @broken;
	my $what = "\"$mail->{subject}\" to $to";
	my @tags = $mail->{subject} =~ /\[TUKI-([0-9]+)\]/g;
	push @broken, "$what is about TUKI-$mail->{ticket}" if $mail->{ticket} && "@tags" ne $mail->{ticket};
	my @ids = map { (Luukku::Test::Mail::header($mail->{data}, $_) // '') =~ /<([^<>]+)>/g } 'References', 'In-Reply-To';
	my $known = $day->{known_ids}{$to} //= {};
	my @unknown = grep { $_ ne $mail->{id} && !$known->{$_} } @ids;
	if (@unknown) {
		my %ours = map { $_->[0] => 1 } $day->{db}->sql("SELECT header_message_id FROM outbox WHERE recipient = '$to'");
		push @broken, map { "$what names <$_>, which $to cannot know" } grep { !$ours{$_} } @unknown;
	}
	my $thread = $day->{threads}{"$to $mail->{ticket}"} //= {};
	push @broken, "$what begins another thread" if $mail->{ticket} && (grep { !$day->{bounced}{$_} } keys %$thread) && !grep { $_ ne $mail->{id} && ($thread->{$_} || $known->{$_}) } @ids;
	$thread->{ $mail->{id} } = $known->{ $mail->{id} } = 1;
	return @broken if $Luukku::Test::Days::agents{$to} || $supplier{$to} || $consulted{$to};
	my %seen;
	for my $number (grep { !$seen{$_}++ } $mail->{all} =~ /TUKI-([0-9]+)/g) {
		push @broken, "$what names TUKI-$number, which is not theirs" if $number != $mail->{ticket} && !$people->{$number}{$to} && !$day->{typed}{$number};
	}
	return @broken;
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
