package Luukku::Test::DayTrouble;

# What goes wrong around the people of Luukku::Test::Days, one doing each: programs that stop or are
# killed, a configuration that changes, an agent who leaves, mails that come late, before what they
# answer, or misshapen; bounces, vacations, our own mail coming back; and customers who say how it was.

use strict;
use warnings;
use utf8;
use Encode ();
use Luukku::Test::Base qw(temp_dir);
use Luukku::Test::Mail qw(header);
use POSIX ();

our @doings = ((\&restart) x 1, (\&dies) x 1, (\&configuration_changes) x 2, (\&bounces) x 3, (\&customer_is_away) x 2, (\&agent_is_away) x 2, (\&customer_scores) x 5,
	(\&answer_comes_first) x 2, (\&comes_back) x 1, (\&odd_mail) x 3, (\&who_left_writes) x 2);

my $faults = 0;

sub pick { return $_[rand @_] }
sub chance { return rand() < $_[0] }
sub customers { return @Luukku::Test::Days::customers }

sub restart {
	my ($self) = @_;
	$self->tell('the programs stop and start again');
	$self->Luukku::Test::Days::restart;
	return 1;
}

# By SIGKILL, at a moment to come.
sub dies {
	my ($self) = @_;
	my $doom = pick(qw(ingest.begin ingest.blobs ingest.message ingest.ticket ingest.outbox ingest.survey ingest.end take.after-commit timer.done outbox.claimed outbox.recorded
		send.before-record)) . ':' . (1 + int rand 3);
	my $dir = temp_dir() . '/faults' . ++$faults;
	mkdir $dir or die "$dir: $!";
	$self->Luukku::Test::Days::restart(LUUKKU_FAULT_DIR => $dir, LUUKKU_FAULT => $doom);
	$self->{doom} = $doom;
	return 0;
}

sub configuration_changes {
	my ($self) = @_;
	# None of what the clocks go by: the rules reckon with one service level.
	my %change = %{ pick({}, {}, { but => 'aino@example.fi' }, { but => 'bo@example.fi' }, { queue => 'notify = "none"' }, { queue => 'notify = "managers"' },
		{ queue => 'duplicate_window = "0s"' }, { queue => 'tell_on_wait = false' }, { queue => 'tell_on_transfer = false' }) };
	my $but = $change{but} // '';
	$self->tell('a new configuration: ' . (join(' ', %change) || 'as it was'));
	$self->{desk}->configure(Luukku::Test::Days::conf(%change));
	$self->Luukku::Test::Days::restart;
	# Who comes back in the meantime hears of what happens from now on.
	$self->{gone} = { $but ? ($but => $self->{gone}{$but} // $self->{now}) : () };
	return 1;
}

# --- mails that come late, or out of turn ----------------------------------------------------------

sub Luukku::Test::Days::late_ones {
	my ($self) = @_;
	for my $late (splice @{ $self->{late} }) {
		my ($mail, %what) = @$late;
		$self->tell('what was late comes: ' . (header($mail, 'Message-ID') // ''));
		$self->deliver($mail, %what);
	}
	return;
}

# A colleague's answer to all is here before the mail that it answers.
sub answer_comes_first {
	my ($self) = @_;
	my $who = pick(customers());
	my $other = pick(grep { $_ ne $who } customers());
	my $word = $self->word('customer', $who);
	my $id = "first$word\@" . ($who =~ /@(.*)/)[0];
	my $to = pick('ict@example.fi', 'hr@example.fi');
	my $subject = "Yhteinen asia $self->{n}";
	$self->post(from => $who, to => $to, cc => $other, subject => $subject, text => "Hei,\n\nmeillä molemmilla $word ei toimi.\n", id => $id, late => 1);
	my $answer = $self->word('customer', $other);
	$self->post(from => $other, to => $to, cc => $who, subject => "Re: $subject", text => "Minullakin on $answer.\n", quote => 0,
		irt => { id => $id, subject => $subject, text => '' });
	$self->late_ones if chance(0.5);
	return 1;
}

# A mail of ours that some server sends back to us as it is.
sub comes_back {
	my ($self) = @_;
	my $mail = @{ $self->{mails} } ? pick(@{ $self->{mails} }) : return 0;
	$self->tell("\"$mail->{subject}\" comes back to us");
	$self->deliver("Received: from loop.example by mx.example.fi; " . POSIX::strftime('%a, %d %b %Y %H:%M:%S +0000', gmtime $self->{now}) . "\r\n$mail->{data}");
	return 1;
}

# What strange programs make: without a date, a Message-ID, a sender, words; or to everybody.
sub odd_mail {
	my ($self) = @_;
	my $who = pick(customers());
	my $mail = chance(0.5) ? $self->got($who) : undef;
	my $word = $self->word('customer', $who);
	my %odd = %{ pick({ drop => 'Message-ID' }, { drop => 'Date' }, { drop => 'From' }, { drop => 'To' }, { drop => 'Subject' }, { text => '' }, { text => "\n\n-- \n$word" },
		{ text => "$word " x 3000 }, { subject => "Asia $word " . 'pitkä ' x 200 }, { cc => join ', ', 'ict@example.fi', 'hr@example.fi', map { "joku$_\@kund.example" } 1 .. 12 },
		{ from => "$who, toinen\@kund.example" }, { headers => ["Reply-To: $Luukku::Test::Days::eve"] }, { headers => ["From: Toinen <$Luukku::Test::Days::eve>"] }) };
	# Whose mail it is is not known.
	$self->{words}{$word}{kind} = 'stranger' if ($odd{drop} // '') eq 'From' || $odd{from} || grep { /^From/ } @{ $odd{headers} // [] };
	$self->post(from => $who, to => $mail ? $mail->{reply_to} : pick('ict@example.fi', 'hr@example.fi'), subject => $mail ? "Re: $mail->{subject}" : 'Outoa', irt => $mail,
		quote => 0, text => "Tässä on $word.", %odd);
	return 1;
}

# --- machines ---------------------------------------------------------------------------------------

# One of the last mails could not be delivered, or not yet.
sub bounces {
	my ($self) = @_;
	my @sent = grep { $_->{envelope} =~ /\+/ } @{ $self->{mails} };
	my $mail = @sent ? pick(@sent > 20 ? @sent[-20 .. -1] : @sent) : return 0;
	my ($action, $status) = @{ pick(['failed', '5.1.1'], ['failed', '5.2.2'], ['failed', '5.7.1'], ['delayed', '4.4.7']) };
	my $n = ++$self->{posted};
	$self->{bounced}{ $mail->{id} } = 1 if $action eq 'failed';
	$self->tell("\"$mail->{subject}\" to $mail->{to}: $action $status");
	$self->deliver(join "\r\n", 'Received: from mx.example.org by mx.example.fi; ' . POSIX::strftime('%a, %d %b %Y %H:%M:%S +0000', gmtime $self->{now}),
		'From: MAILER-DAEMON@mx.example.org', 'To: ' . pick($mail->{envelope}, $mail->{envelope}, 'luukku-bounces@example.fi'), 'Subject: Undelivered Mail Returned to Sender',
		'Return-Path: <>', "Message-ID: <bounce$n.$self->{now}\@mx.example.org>", POSIX::strftime('Date: %a, %d %b %Y %H:%M:%S +0000', gmtime $self->{now}), 'Auto-Submitted: auto-replied',
		'MIME-Version: 1.0', 'Content-Type: multipart/report; report-type=delivery-status; boundary=b', '', '--b', 'Content-Type: text/plain', '', 'It could not be delivered.', '--b',
		'Content-Type: message/delivery-status', '', 'Reporting-MTA: dns; mx.example.org', '', "Final-Recipient: rfc822; $mail->{to}", "Action: $action", "Status: $status", '', '--b',
		'Content-Type: text/rfc822-headers', '', "From: ict\@example.fi\r\nMessage-ID: <$mail->{id}>\r\nSubject: x", '', '--b--', '');
	return 1;
}

# Their mail program answers for them: to the envelope sender, or to the sender as people do.
sub is_away {
	my ($self, $who, $kind, %m) = @_;
	my $mail = $self->got($who) // return 0;
	my $word = $self->word($kind, $who);
	my $back = POSIX::strftime('%d.%m.%Y', gmtime($self->{now} + 86_400 * pick(1, 3, 8))) =~ s/\b0//gr;
	$self->post(to => pick($mail->{reply_to}, $mail->{envelope}), subject => "Automaattinen vastaus: $mail->{subject}", irt => $mail, quote => 0,
		text => pick("Olen poissa $word.", "Olen lomalla $word, palaan $back.", "I am out of the office $word.", "Jag är på semester $word, åter $back."),
		headers => ['Auto-Submitted: auto-replied', 'X-Auto-Response-Suppress: All', 'Return-Path: <>'], %m);
	return 1;
}

sub customer_is_away {
	my ($self) = @_;
	my $who = pick(customers(), @Luukku::Test::Days::suppliers);
	return is_away($self, $who, $who =~ /valo/ ? 'supplier' : 'customer', from => $who);
}

# An event on the ticket, nothing more: nobody outside reads where the agent is.
sub agent_is_away {
	my ($self) = @_;
	my $who = $self->an_agent;
	return is_away($self, $who, 'inside', from => "<$who>", proof => pick('pass', 'none'));
}

# --- people -----------------------------------------------------------------------------------------

# The survey's lines, filled in, and perhaps once more.
sub customer_scores {
	my ($self) = @_;
	my @with = map { my $mail = $_; map { [$mail, $_] } grep { $_->[2] =~ /0-10|kunnossa|i ordning|in order/ } @{ $mail->{links} } }
		map { @{ $self->{inbox}{$_} // [] } } customers();
	my ($mail, $link) = @{ @with ? (chance(0.7) ? $with[-1] : pick(@with)) : return 0 };
	my ($to, $subject, $text) = @$link;
	my $word = $self->word('score', $mail->{to});
	$text =~ s/\r\n/\n/g;
	$text =~ s{(0-10): }{"$1: " . pick(0, 3, 5, 9, 10, '7/10', 11, '')}e;
	$text =~ s/: \n\z/: $word ja muuta\n/;
	$text = pick($text, $text, $text, pick('Kyllä', 'Ei', '8', 'Nej') . "\n$word\n", "Hei, $word on yhä rikki.\n");
	my $took = $self->post(from => $mail->{to}, to => $to, subject => $subject, text => $text, proof => pick('none', 'pass', 'fail'));
	# What is no answer to the survey is words on the ticket, as from any mail.
	$self->{words}{$word}{kind} = 'customer' if $took->{outcome} ne 'control';
	return 1;
}

# Who is not in the configuration any more has no rights, and what they write goes to nobody outside.
sub who_left_writes {
	my ($self) = @_;
	my ($who) = keys %{ $self->{gone} } or return 0;
	my $mail = $self->got($who) // return 0;
	$self->post(from => $who, to => $mail->{reply_to}, subject => "Re: $mail->{subject}", irt => $mail, proof => 'pass',
		text => pick('', "#resolve\n\n", "#take\n\n", "#priority high\n\n") . 'Olin ennen täällä: ' . $self->word('inside', $who) . "\n");
	return 1;
}

1;
